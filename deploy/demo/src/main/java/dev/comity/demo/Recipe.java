package dev.comity.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.dataformat.yaml.YAMLMapper;

/// A federation to try: its data, its study, and settings for each algorithm. Read strictly from
/// YAML: an unknown or missing key is refused.
///
/// @param run the body of `POST /api/v1/runs`, but for the name
/// @param algorithms name to what is laid over `run` for it
/// @param note what to think of the result, for whoever reads it
public record Recipe(
    String name,
    String title,
    Source source,
    RecipeData data,
    Map<String, Object> run,
    Map<String, Map<String, Object>> algorithms,
    String note) {
  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  public Recipe {
    run = Map.copyOf(run);
    algorithms = Collections.unmodifiableMap(new LinkedHashMap<>(algorithms)); // in order
    if (algorithms.isEmpty()) {
      throw new IllegalArgumentException("algorithms: must name at least one");
    }
  }

  /// Where the data come from, for people.
  public record Source(String address, String licence, String citation) {}

  /// The recipe of this name that comes with the demo.
  public static Recipe named(String name) {
    String resource = "/recipes/" + name + ".yaml";
    try (InputStream content = Recipe.class.getResourceAsStream(resource)) {
      if (content == null || !name.matches("[a-z0-9-]+")) {
        throw new RecipeException(
            "recipe '%s' does not exist; there are heart-disease, synthetic and synthetic-iid"
                .formatted(name));
      }
      return parse(name, content.readAllBytes());
    } catch (IOException unreadable) {
      throw new UncheckedIOException("recipe " + name + " cannot be read", unreadable);
    }
  }

  /// The recipe in `file`.
  public static Recipe read(Path file) {
    try {
      return parse(file.toString(), Files.readAllBytes(file));
    } catch (IOException unreadable) {
      throw new RecipeException("recipe " + file + " cannot be read", unreadable);
    }
  }

  private static Recipe parse(String origin, byte[] content) {
    try {
      return YAML.readValue(content, Recipe.class);
    } catch (JacksonException refused) {
      String key =
          refused.getPath().stream()
              .map(JacksonException.Reference::getPropertyName)
              .filter(Objects::nonNull)
              .collect(Collectors.joining("."));
      throw new RecipeException(
          "recipe %s: %s: %s"
              .formatted(
                  origin,
                  key.isEmpty() ? "line " + refused.getLocation().getLineNr() : key,
                  refused.getOriginalMessage()),
          refused);
    }
  }

  /// The body of `POST /api/v1/runs` for an algorithm; only the run's name is missing.
  public Map<String, Object> runFor(String algorithm) {
    var settings = algorithms.get(algorithm);
    if (settings == null) {
      throw new RecipeException(
          "recipe %s has no settings for '%s'; it has %s"
              .formatted(name, algorithm, algorithms.keySet().stream().sorted().toList()));
    }
    return laidOver(run, settings);
  }

  /// This recipe with another number of generated sites.
  public Recipe withSites(int sites) {
    return switch (data) {
      case RecipeData.Synthetic synthetic -> withData(synthetic.withSites(sites));
      case RecipeData.Files _ ->
          throw new RecipeException(
              "recipe %s has the sites of its data; leave out --sites".formatted(name));
    };
  }

  /// The sites' names, in order.
  public List<String> sites() {
    return switch (data) {
      case RecipeData.Synthetic synthetic -> synthetic.names();
      case RecipeData.Files files -> files.sites().stream().map(RecipeData.SiteFile::site).toList();
    };
  }

  /// This recipe on other data.
  Recipe withData(RecipeData other) {
    return new Recipe(name, title, source, other, run, algorithms, note);
  }

  /// Makes a folder under `target` for each site, with its data and a `mapping.yaml`.
  ///
  /// @param data the folder with the published files, after a look at their checksums; generated
  ///   data need none and ignore it
  public List<SiteFolder> prepare(Path data, Path target) {
    return switch (this.data) {
      case RecipeData.Synthetic(int sites, double alpha, double beta, boolean iid, long seed) ->
          SyntheticFederation.write(target, sites, alpha, beta, iid, seed);
      case RecipeData.Files files -> copy(files, data, target);
    };
  }

  private List<SiteFolder> copy(RecipeData.Files files, Path data, Path target) {
    var from =
        Files.isDirectory(data.resolve(files.folder())) ? data.resolve(files.folder()) : data;
    boolean listed = Files.isRegularFile(from.resolve(files.split().needs()));
    var folders = new ArrayList<SiteFolder>();
    try {
      for (var site : files.sites()) {
        var folder = target.resolve(site.site());
        Files.createDirectories(folder.resolve("data"));
        copyChecked(files, from, site.file(), folder);
        if (listed) {
          copyChecked(files, from, files.split().needs(), folder);
        }
        var mapping = new LinkedHashMap<String, Object>(files.mapping());
        mapping.put(
            "source",
            laidOver(
                asMap(mapping.getOrDefault("source", Map.of())),
                Map.of("files", List.of("data/" + site.file()))));
        mapping.put("split", listed ? files.split().listed() : files.split().otherwise());
        folders.add(
            new SiteFolder(site.site(), folder, writeMapping(folder, named(mapping, site.site()))));
      }
    } catch (IOException full) {
      throw new UncheckedIOException("site folders in " + target + " cannot be written", full);
    }
    return folders;
  }

  private void copyChecked(RecipeData.Files files, Path from, String file, Path folder)
      throws IOException {
    var original = from.resolve(file);
    if (!Files.isRegularFile(original)) {
      throw new RecipeException(
          "%s: no such file; take %s from %s and name its folder with --data"
              .formatted(original, file, source.address()));
    }
    byte[] content = Files.readAllBytes(original);
    String found = HexFormat.of().formatHex(sha256().digest(content));
    if (!found.equals(files.checksums().get(file))) {
      throw new RecipeException(
          "%s: SHA-256 is %s, the recipe was made for %s; take the file from %s"
              .formatted(original, found, files.checksums().get(file), source.address()));
    }
    Files.write(folder.resolve("data").resolve(file), content);
  }

  static Path writeMapping(Path folder, Map<String, Object> mapping) throws IOException {
    var file = folder.resolve("mapping.yaml");
    Files.write(file, YAML.writeValueAsBytes(mapping));
    return file;
  }

  /// `over`'s entries win; maps are merged.
  private static Map<String, Object> laidOver(Map<String, Object> base, Map<String, Object> over) {
    var merged = new LinkedHashMap<>(base);
    over.forEach((key, value) -> {
      if (merged.get(key) instanceof Map<?, ?> below && value instanceof Map<?, ?> above) {
        merged.put(key, laidOver(asMap(below), asMap(above)));
      } else {
        merged.put(key, value);
      }
    });
    return merged;
  }

  private static Map<String, Object> named(Map<String, Object> tree, String site) {
    var named = new LinkedHashMap<String, Object>();
    tree.forEach((key, value) ->
        named.put(
            key,
            switch (value) {
              case String text -> text.replace("${site}", site);
              case Map<?, ?> map -> named(asMap(map), site);
              default -> value;
            }));
    return named;
  }

  private static Map<String, Object> asMap(Object value) {
    var map = new LinkedHashMap<String, Object>();
    ((Map<?, ?>) value).forEach((key, entry) -> map.put((String) key, entry));
    return map;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java runtime has SHA-256", impossible);
    }
  }
}
