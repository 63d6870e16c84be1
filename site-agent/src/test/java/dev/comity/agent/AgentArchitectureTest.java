package dev.comity.agent;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.comity.update.MaskedUpdate;
import java.net.DatagramSocket;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URLConnection;
import java.nio.channels.SocketChannel;
import java.util.List;
import org.junit.jupiter.api.Test;

class AgentArchitectureTest {
  private static final List<String> CAPABILITIES =
      List.of(
          "policy", "resources", "data", "training", "protection", "link", "inference", "audit");
  private static final JavaClasses AGENT =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.comity.agent");

  @Test
  void theCapabilitiesDoNotKnowEachOther() {
    for (String capability : CAPABILITIES) {
      String[] others =
          CAPABILITIES.stream()
              .filter(other -> !other.equals(capability))
              .map(other -> "dev.comity.agent." + other + "..")
              .toArray(String[]::new);
      noClasses()
          .that()
          .resideInAPackage("dev.comity.agent." + capability + "..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(others)
          .allowEmptyShould(true)
          .check(AGENT);
    }
  }

  @Test
  void theCapabilitiesDoNotKnowWhoComposesThem() {
    noClasses()
        .that()
        .resideOutsideOfPackages("dev.comity.agent", "dev.comity.agent.participation..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.comity.agent", "dev.comity.agent.participation..")
        .check(AGENT);
  }

  @Test
  void thePackagesHaveNoCycle() {
    slices().matching("dev.comity.agent.(*)..").should().beFreeOfCycles().check(AGENT);
  }

  @Test
  void theLinkKnowsNoUpdateButTheMaskedOne() {
    noClasses()
        .that()
        .resideInAPackage("dev.comity.agent.link..")
        .should()
        .dependOnClassesThat(
            new DescribedPredicate<JavaClass>("are updates other than the masked one") {
              @Override
              public boolean test(JavaClass used) {
                return used.getPackageName().equals("dev.comity.update")
                    && !used.isEquivalentTo(MaskedUpdate.class);
              }
            })
        .check(AGENT);
  }

  @Test
  void theLinkTakesNoFloatsAndNoTensors() {
    noClasses()
        .that()
        .resideInAPackage("dev.comity.agent.link..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("ai.djl..", "dev.comity.formats..", "dev.comity.vector..")
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(float[].class)
        .check(AGENT);
  }

  @Test
  void onlyTheLinkSpeaksToTheAggregator() {
    noClasses()
        .that()
        .resideOutsideOfPackages("dev.comity.agent", "dev.comity.agent.link..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.grpc.netty..", "io.grpc.stub..", "io.netty..")
        .check(AGENT);
  }

  /// The sources of the resource gate ask what the site's own file names, and know neither data nor
  /// models.
  @Test
  void besideTheLinkOnlyTheSourcesOfTheResourceGateSpeakToTheNetwork() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            "dev.comity.agent", "dev.comity.agent.link..", "dev.comity.agent.resources.source..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("java.net.http..", "javax.net..")
        .orShould()
        .dependOnClassesThat()
        .belongToAnyOf(
            Socket.class,
            ServerSocket.class,
            DatagramSocket.class,
            URLConnection.class,
            SocketChannel.class)
        .check(AGENT);
  }

  @Test
  void theResourceGateKnowsNothingOfTheFederation() {
    noClasses()
        .that()
        .resideInAPackage("dev.comity.agent.resources..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.comity.plan..",
            "dev.comity.update..",
            "dev.comity.session..",
            "dev.comity.membership..",
            "dev.comity.protocol..")
        .check(AGENT);
  }
}
