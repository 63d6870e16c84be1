package dev.comity.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// FedProx's synthetic(α, β) federation (Li et al. 2020, section 5.1): 60 features, 10 classes. For
/// site k
///
/// - n = ⌊lognormal(4, 2)⌋ + 50 examples;
/// - a model W, b of elements ~ N(u, 1), where u ~ N(0, α): how far the models of sites differ;
/// - features x ~ N(v, Σ) with Σ diagonal, Σ_jj = j^−1.2, elements of v ~ N(B, 1), where B ~ N(0,
///   β): how far their data differ;
/// - y = argmax(Wx + b).
///
/// As in the authors' program, α and β are standard deviations. With different models no common one
/// fits all sites, and most sites see few of the classes. The authors' IID variant has one W, b of
/// elements ~ N(0, 1) for all sites, and v = 0: sites differ in size alone.
///
/// A pure function of its arguments: each site draws from its own `java.util.Random`, whose numbers
/// the JDK specifies to the bit, and its files do not depend on how many sites there are.
public final class SyntheticFederation {
  private static final int FEATURES = 60;
  private static final int CLASSES = 10;

  private SyntheticFederation() {}

  /// Writes for each of `sites` >= 1 a folder `dir/site-1`, `dir/site-2`, … with `data/rows.csv`
  /// (columns x1…x60 and y) and `mapping.yaml` (a fifth of the rows for the test).
  public static List<SiteFolder> write(Path dir, int sites, double alpha, double beta, long seed) {
    return write(dir, sites, alpha, beta, false, seed);
  }

  /// As the other `write`; with `iid` it is the IID variant, where α and β do nothing.
  public static List<SiteFolder> write(
      Path dir, int sites, double alpha, double beta, boolean iid, long seed) {
    if (sites < 1) {
      throw new IllegalArgumentException("sites must be >= 1, was " + sites);
    }
    if (!(alpha >= 0 && beta >= 0 && Double.isFinite(alpha) && Double.isFinite(beta))) {
      throw new IllegalArgumentException(
          "alpha %s and beta %s must be finite and >= 0".formatted(alpha, beta));
    }
    var folders = new ArrayList<SiteFolder>();
    try {
      for (int site = 1; site <= sites; site++) {
        var folder = dir.resolve(siteName(site));
        Files.createDirectories(folder.resolve("data"));
        var random = new Random(1_000_003 * seed + site);
        var truth = iid ? new Truth(new Random(seed), 0) : new Truth(random, alpha);
        Files.writeString(
            folder.resolve("data").resolve("rows.csv"), rows(random, truth, beta, iid));
        folders.add(
            new SiteFolder(siteName(site), folder, Recipe.writeMapping(folder, mapping(seed))));
      }
    } catch (IOException full) {
      throw new UncheckedIOException("site folders in " + dir + " cannot be written", full);
    }
    return folders;
  }

  /// The name of a site, counted from 1.
  static String siteName(int site) {
    return "site-" + site;
  }

  /// The names of the features, in order.
  static List<String> features() {
    var names = new ArrayList<String>();
    for (int j = 1; j <= FEATURES; j++) {
      names.add("x" + j);
    }
    return names;
  }

  private static String rows(Random random, Truth truth, double beta, boolean iid) {
    int count = (int) StrictMath.exp(4 + 2 * random.nextGaussian()) + 50;
    double dataMean = beta * random.nextGaussian();
    var centre = new double[FEATURES];
    var spread = new double[FEATURES];
    for (int j = 0; j < FEATURES; j++) {
      centre[j] = iid ? 0 : dataMean + random.nextGaussian();
      spread[j] = StrictMath.pow(j + 1, -0.6);
    }
    var text = new StringBuilder(String.join(",", features())).append(",y\n");
    for (int row = 0; row < count; row++) {
      var x = new float[FEATURES];
      for (int j = 0; j < FEATURES; j++) {
        x[j] = (float) (centre[j] + spread[j] * random.nextGaussian());
        text.append(x[j]).append(',');
      }
      text.append(truth.label(x)).append('\n');
    }
    return text.toString();
  }

  /// The model that labels a site's rows.
  private static final class Truth {
    private final double[][] weights = new double[CLASSES][FEATURES];
    private final double[] biases = new double[CLASSES];

    Truth(Random random, double alpha) {
      double mean = alpha * random.nextGaussian();
      for (int label = 0; label < CLASSES; label++) {
        for (int j = 0; j < FEATURES; j++) {
          weights[label][j] = mean + random.nextGaussian();
        }
        biases[label] = mean + random.nextGaussian();
      }
    }

    int label(float[] x) {
      int best = 0;
      double most = Double.NEGATIVE_INFINITY;
      for (int label = 0; label < CLASSES; label++) {
        double score = biases[label];
        for (int j = 0; j < FEATURES; j++) {
          score += weights[label][j] * x[j];
        }
        if (score > most) {
          most = score;
          best = label;
        }
      }
      return best;
    }
  }

  private static Map<String, Object> mapping(long seed) {
    var mapping = new LinkedHashMap<String, Object>();
    mapping.put("source", Map.of("files", List.of("data/rows.csv"), "header", true));
    mapping.put(
        "features", features().stream().map(feature -> Map.of("numeric", feature)).toList());
    mapping.put("label", Map.of("name", "y", "column", "y", "classIndex", CLASSES));
    mapping.put("split", Map.of("fraction", Map.of("test", 0.2, "seed", seed)));
    mapping.put("standardise", false);
    return mapping;
  }
}
