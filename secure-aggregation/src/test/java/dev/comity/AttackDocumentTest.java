package dev.comity;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

/// `docs/attacks.md` names a defence and a test for each attack; all of them exist.
class AttackDocumentTest {
  private static final int ATTACKS = 16;
  private static final Path ROOT = Path.of("..");
  private static final Pattern NAME = Pattern.compile("`([a-z][A-Za-z0-9.]*)#([A-Za-z0-9_]+)`");

  private record Named(String type, String method) {
    /// `session.AttackTest.Replay` is a nested class: packages have no capitals.
    private String binaryName() {
      String[] parts = type.split("\\.");
      StringBuilder name = new StringBuilder("dev.comity");
      boolean nested = false;
      for (String part : parts) {
        name.append(nested ? '$' : '.').append(part);
        nested |= Character.isUpperCase(part.charAt(0));
      }
      return name.toString();
    }

    private Optional<Class<?>> onTheClassPath() {
      try {
        return Optional.of(
            Class.forName(binaryName(), false, AttackDocumentTest.class.getClassLoader()));
      } catch (ClassNotFoundException _) {
        return Optional.empty();
      }
    }
  }

  private static List<String[]> rows() throws IOException {
    List<String[]> rows = new ArrayList<>();
    for (String line : Files.readAllLines(ROOT.resolve("docs/attacks.md"))) {
      if (line.matches("\\| \\d+\\. .*")) {
        rows.add(line.substring(1, line.length() - 1).split("\\|"));
      }
    }
    return rows;
  }

  private static List<Named> names(String cell) {
    List<Named> names = new ArrayList<>();
    Matcher matcher = NAME.matcher(cell);
    while (matcher.find()) {
      names.add(new Named(matcher.group(1), matcher.group(2)));
    }
    assertThat(names).as(cell).hasSize((int) cell.chars().filter(c -> c == '`').count() / 2);
    return names;
  }

  @Test
  void everyAttackHasItsRowInOrderWithADefenceATestAndWhatWasTakenOut() throws IOException {
    List<String[]> rows = rows();

    assertThat(rows).hasSize(ATTACKS);
    for (int i = 0; i < rows.size(); i++) {
      String[] cells = rows.get(i);
      assertThat(cells).as(cells[0]).hasSize(4);
      assertThat(cells[0].strip()).startsWith(i + 1 + ". ");
      assertThat(names(cells[1])).as(cells[0]).isNotEmpty();
      assertThat(names(cells[2])).as(cells[0]).isNotEmpty();
      assertThat(cells[3]).as(cells[0]).isNotBlank();
    }
  }

  @Test
  void everyDefenceIsAMethodOfTheCode() throws IOException {
    for (String[] cells : rows()) {
      for (Named defence : names(cells[1])) {
        Class<?> type = defence.onTheClassPath().orElseThrow(() -> new AssertionError(defence));
        assertThat(Arrays.stream(type.getDeclaredMethods()))
            .as("%s", defence)
            .anyMatch(method -> method.getName().equals(defence.method()));
      }
    }
  }

  @Test
  void everyTestIsATest() throws IOException {
    for (String[] cells : rows()) {
      for (Named test : names(cells[2])) {
        Optional<Class<?>> type = test.onTheClassPath();
        if (type.isPresent()) {
          assertThat(Arrays.stream(type.get().getDeclaredMethods()))
              .as("%s", test)
              .anyMatch(method ->
                  method.getName().equals(test.method())
                      && (method.isAnnotationPresent(Test.class)
                          || method.isAnnotationPresent(ParameterizedTest.class)));
        } else {
          assertThat(sourceOfAnotherModule(test))
              .as("%s", test)
              .containsPattern(
                  "@(Parameterized)?Test(\\(.*\\))?\\s+(@.*\\s+)*void " + test.method() + "\\(");
        }
      }
    }
  }

  private static String sourceOfAnotherModule(Named test) throws IOException {
    String file = "src/test/java/dev/comity/" + test.type().replace('.', '/') + ".java";
    try (Stream<Path> modules = Files.list(ROOT)) {
      Path source =
          modules
              .map(module -> module.resolve(file))
              .filter(Files::exists)
              .findFirst()
              .orElseThrow(() -> new AssertionError("no module has " + file));
      return Files.readString(source);
    }
  }
}
