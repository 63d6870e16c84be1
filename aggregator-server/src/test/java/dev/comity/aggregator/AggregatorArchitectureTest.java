package dev.comity.aggregator;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.comity.round.grpc.CallerSite;
import dev.comity.round.grpc.CertificateRenewal;
import java.util.List;
import org.junit.jupiter.api.Test;

class AggregatorArchitectureTest {
  private static final List<String> CAPABILITIES = List.of("federation", "run", "round", "audit");
  private static final String[] ROOTS =
      CAPABILITIES.stream().map(capability -> "dev.comity." + capability).toArray(String[]::new);
  private static final JavaClasses SERVER =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(
              "dev.comity.aggregator",
              "dev.comity.federation",
              "dev.comity.run",
              "dev.comity.round",
              "dev.comity.audit");

  @Test
  void theRootsNeedTheJdkAndThePureLibrariesAlone() {
    classes()
        .that()
        .resideInAnyPackage(ROOTS)
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(ROOTS)
                .or(
                    resideInAnyPackage(
                        "dev.comity.algorithm",
                        "dev.comity.codec",
                        "dev.comity.membership",
                        "dev.comity.plan",
                        "dev.comity.session",
                        "dev.comity.transparency",
                        "java.io",
                        "java.lang..",
                        "java.math",
                        "java.net",
                        "java.nio..",
                        "java.security..",
                        "java.time..",
                        "java.util..",
                        "javax.security..",
                        "org.bouncycastle..",
                        "org.jspecify..")))
        .check(SERVER);
  }

  @Test
  void theRootsHaveNoCycle() {
    slices().matching("dev.comity.(*)").should().beFreeOfCycles().check(SERVER);
  }

  /// The caller whom the certificate proves and the renewal of that certificate are all that one
  /// gRPC adapter shares with another.
  @Test
  void theAdaptersOfOneCapabilityDoNotKnowThoseOfAnother() {
    for (String capability : CAPABILITIES) {
      String[] others =
          CAPABILITIES.stream()
              .filter(other -> !other.equals(capability))
              .map(other -> "dev.comity." + other + ".*..")
              .toArray(String[]::new);
      noClasses()
          .that()
          .resideInAPackage("dev.comity." + capability + "..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(others)
                  .and(not(belongToAnyOf(CallerSite.class, CertificateRenewal.class))))
          .check(SERVER);
    }
  }

  @Test
  void theCapabilitiesDoNotKnowWhoComposesThem() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.comity.aggregator..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.comity.aggregator..")
        .check(SERVER);
  }
}
