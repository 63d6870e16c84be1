package dev.comity.registry;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class RegistryArchitectureTest {
  private static final JavaClasses REGISTRY =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.comity.registry");

  @Test
  void theRootNeedsTheJdkAndThePureLibrariesAlone() {
    classes()
        .that()
        .resideInAPackage("dev.comity.registry")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "dev.comity.registry",
            "dev.comity.codec",
            "dev.comity.formats",
            "dev.comity.plan",
            "java.io",
            "java.lang..",
            "java.nio..",
            "java.security..",
            "java.time..",
            "java.util..",
            "org.jspecify..")
        .check(REGISTRY);
  }
}
