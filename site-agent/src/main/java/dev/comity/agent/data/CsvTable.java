package dev.comity.agent.data;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// A CSV file (RFC 4180, UTF-8) read row by row. Refusals name file, line and column, never a
/// value.
final class CsvTable {
  private final Path file;
  private final char delimiter;
  private final List<String> declaredColumns;

  /// A file whose first line names the columns.
  static CsvTable withHeader(Path file, char delimiter) {
    return new CsvTable(file, delimiter, List.of());
  }

  /// A file without a header line.
  static CsvTable withColumns(Path file, char delimiter, List<String> columns) {
    return new CsvTable(file, delimiter, columns);
  }

  private CsvTable(Path file, char delimiter, List<String> declaredColumns) {
    this.file = file;
    this.delimiter = delimiter;
    this.declaredColumns = declaredColumns;
  }

  /// One line. Valid only while it is being handed over.
  final class Row {
    private final CsvRecord record;
    private final Map<String, Integer> columns;

    private Row(CsvRecord record, Map<String, Integer> columns) {
      this.record = record;
      this.columns = columns;
    }

    /// The line that this row starts on, from 1.
    long line() {
      return record.getStartingLineNumber();
    }

    /// The cell without surrounding blanks.
    String text(String column) {
      return record.getField(index(column)).strip();
    }

    /// The cell as a finite number.
    double number(String column) {
      double number;
      try {
        number = Double.parseDouble(text(column));
      } catch (NumberFormatException notANumber) { // its message holds the value
        throw refused(column, "not a number");
      }
      if (!Double.isFinite(number)) {
        throw refused(column, "not a finite number");
      }
      return number;
    }

    DataRefusedException refused(String column, String why) {
      return new DataRefusedException(
          "%s: line %d, column %d (%s): %s"
              .formatted(file, line(), index(column) + 1, column, why));
    }

    private int index(String column) {
      Integer index = columns.get(column);
      if (index == null) {
        throw new IllegalArgumentException("column " + column + " was not required of " + file);
      }
      return index;
    }
  }

  /// Hands over every row in order.
  ///
  /// @param required columns that must exist
  void forEach(List<String> required, Consumer<Row> consumer) {
    if (!Files.isRegularFile(file)) {
      throw new DataRefusedException(file + ": no such file");
    }
    long line = 0;
    try (var reader =
        CsvReader.builder()
            .fieldSeparator(delimiter)
            .allowExtraFields(true) // refused below, with the line
            .allowMissingFields(true)
            .ofCsvRecord(file)) {
      var rows = reader.iterator();
      var names = declaredColumns;
      if (names.isEmpty()) {
        if (!rows.hasNext()) {
          throw new DataRefusedException(file + ": line 1: the header line is missing");
        }
        names = rows.next().getFields().stream().map(String::strip).toList();
      }
      var columns = index(names, required);
      while (rows.hasNext()) {
        var record = rows.next();
        line = record.getStartingLineNumber();
        if (record.getFieldCount() != names.size()) {
          throw new DataRefusedException(
              "%s: line %d: has %d columns, %d are expected"
                  .formatted(
                      file, record.getStartingLineNumber(), record.getFieldCount(), names.size()));
        }
        consumer.accept(new Row(record, columns));
      }
    } catch (CsvParseException malformed) { // its message may hold content
      throw new DataRefusedException(
          "%s: not well-formed CSV after line %d: check quotes and the length of cells"
              .formatted(file, line));
    } catch (IOException | UncheckedIOException unreadable) {
      throw new DataRefusedException(file + ": cannot be read", unreadable);
    }
  }

  private Map<String, Integer> index(List<String> names, List<String> required) {
    var columns = new HashMap<String, Integer>();
    var twice = new HashSet<String>();
    for (int i = 0; i < names.size(); i++) {
      if (columns.putIfAbsent(names.get(i), i) != null) {
        twice.add(names.get(i));
      }
    }
    for (String column : required) {
      if (!columns.containsKey(column)) {
        throw new DataRefusedException(
            "%s: no column '%s'; the file has %s"
                .formatted(file, column, String.join(", ", names)));
      }
      if (twice.contains(column)) {
        throw new DataRefusedException("%s: column '%s' stands twice".formatted(file, column));
      }
    }
    return columns;
  }
}
