package dev.comity;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
  private static final JavaClasses MODULE =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.comity");

  @Test
  void theLibraryNeedsTheJdkAlone() {
    classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "dev.comity..",
            "java..",
            "javax.crypto..",
            "javax.security..",
            "jdk.incubator.vector..",
            "org.slf4j..",
            "org.jspecify..")
        .check(MODULE);
  }

  @Test
  void noPackagesDependOnEachOtherInACircle() {
    slices().matching("dev.comity.(*)..").should().beFreeOfCycles().check(MODULE);
  }
}
