package dev.comity.demo;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Where a recipe's data come from.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, include = JsonTypeInfo.As.WRAPPER_OBJECT)
@JsonSubTypes({
  @JsonSubTypes.Type(value = RecipeData.Files.class, name = "files"),
  @JsonSubTypes.Type(value = RecipeData.Synthetic.class, name = "synthetic")
})
public sealed interface RecipeData {

  /// Published files, one per site.
  ///
  /// @param folder where they lie in a folder that holds several data sets
  /// @param checksums file name to SHA-256, hexadecimal
  /// @param mapping what each site's mapping says, but for its files and its split
  record Files(
      String folder,
      Map<String, String> checksums,
      List<SiteFile> sites,
      Map<String, Object> mapping,
      Split split)
      implements RecipeData {
    public Files {
      checksums = Map.copyOf(checksums);
      sites = List.copyOf(sites);
      mapping = Map.copyOf(mapping);
      if (sites.isEmpty()) {
        throw new IllegalArgumentException("sites: must name at least one site");
      }
      for (var site : sites) {
        if (!checksums.containsKey(site.file())) {
          throw new IllegalArgumentException(
              "sites: %s of %s has no entry in checksums".formatted(site.file(), site.site()));
        }
      }
      if (!checksums.containsKey(split.needs())) {
        throw new IllegalArgumentException(
            "split.needs: %s has no entry in checksums".formatted(split.needs()));
      }
    }
  }

  /// A site and its file.
  record SiteFile(String site, String file) {}

  /// The split rule to use where the file `needs` is at hand, and the one to use otherwise.
  /// `${site}` in a text stands for the site's name.
  record Split(String needs, Map<String, Object> listed, Map<String, Object> otherwise) {
    public Split {
      listed = Map.copyOf(listed);
      otherwise = Map.copyOf(otherwise);
    }
  }

  /// [SyntheticFederation]'s arguments.
  record Synthetic(int sites, double alpha, double beta, boolean iid, long seed)
      implements RecipeData {
    List<String> names() {
      return IntStream.rangeClosed(1, sites).mapToObj(SyntheticFederation::siteName).toList();
    }

    Synthetic withSites(int number) {
      return new Synthetic(number, alpha, beta, iid, seed);
    }
  }
}
