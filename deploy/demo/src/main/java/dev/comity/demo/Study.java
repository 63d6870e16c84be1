package dev.comity.demo;

import dev.comity.plan.Quorum;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A recipe as the demo's user wants it: with that many sites, that algorithm, that number of
/// rounds, and a roster that can reach its quorum.
final class Study {
  private static final int MIN_HONEST = 3;
  private static final int DEFAULT_N_C = 1;
  private static final String SILENCE_LIMIT = "PT20S";
  private static final String HARD_LIMIT = "PT10M";

  private final Recipe recipe;
  private final DemoOptions options;
  private final List<String> sites;
  private final ObjectNode request;

  private Study(Recipe recipe, DemoOptions options, List<String> sites, ObjectNode request) {
    this.recipe = recipe;
    this.options = options;
    this.sites = List.copyOf(sites);
    this.request = request;
  }

  /// The study that the options ask for.
  ///
  /// @throws RecipeException if the recipe does not exist or does not know the algorithm
  /// @throws IllegalArgumentException if the options do not fit each other
  static Study choose(DemoOptions options) {
    var recipe = sized(Recipe.named(options.recipe().orElse("synthetic")), options);
    List<String> sites = recipe.sites();
    ObjectNode request = JsonMapper.shared().valueToTree(recipe.runFor(options.algorithm()));
    request.put("name", recipe.name() + "-" + options.algorithm());
    options.rounds().ifPresent(rounds -> request.put("rounds", rounds));
    request.put("seed", options.seed());
    request.put("silenceLimit", SILENCE_LIMIT);
    request.put("hardLimit", HARD_LIMIT);
    int nC = options.nC().orElse(request.path("nC").asInt(DEFAULT_N_C));
    request.put("nC", nC);
    request.put("minHonest", MIN_HONEST);
    int least = Quorum.leastSites(nC, MIN_HONEST);
    if (sites.size() < least) {
      throw new IllegalArgumentException(
          "%d sites with --n-c %d: a sum needs %d contributors (m), so that %d honest ones remain when %d collude with the aggregator; %s"
              .formatted(
                  sites.size(),
                  nC,
                  new Quorum(sites.size(), nC, MIN_HONEST).minSurvivors(),
                  MIN_HONEST,
                  nC,
                  recipe.data() instanceof RecipeData.Synthetic
                      ? "take --sites %d or more, or a lower --n-c".formatted(least)
                      : "take a lower --n-c"));
    }
    request.put("minReady", Math.max(least, request.path("minReady").asInt(least)));
    if (options.fault() instanceof Fault.KillSite(int number)
        && (number < 1 || number > sites.size())) {
      throw new IllegalArgumentException(
          "--kill-site %d: must be 1 to %d, the number of a site: %s"
              .formatted(number, sites.size(), String.join(", ", sites)));
    }
    return new Study(recipe, options, sites, request);
  }

  /// What to think of the result.
  String note() {
    return recipe.note();
  }

  private static Recipe sized(Recipe recipe, DemoOptions options) {
    return switch (recipe.data()) {
      case RecipeData.Synthetic synthetic ->
          options.sites().isPresent()
              ? recipe.withData(synthetic.withSites(options.sites().getAsInt()))
              : recipe;
      case RecipeData.Files files -> {
        if (options.sites().isPresent() && options.sites().getAsInt() != files.sites().size()) {
          throw new IllegalArgumentException(
              "--sites %d: recipe %s has %d sites; leave --sites out"
                  .formatted(options.sites().getAsInt(), recipe.name(), files.sites().size()));
        }
        if (options.data().isEmpty()) {
          throw new IllegalArgumentException(
              "--recipe %s: needs --data DIR, the folder with its files; they are published at %s"
                  .formatted(recipe.name(), recipe.source().address()));
        }
        yield recipe;
      }
    };
  }

  String name() {
    return recipe.name();
  }

  /// One sentence for the user.
  String about() {
    return "%s; %d sites, %s, %d rounds"
        .formatted(
            recipe.title(), sites.size(), options.algorithm(), request.path("rounds").asInt());
  }

  /// What privacy and availability rest on, in one sentence.
  String assumption() {
    int nC = nC();
    var quorum = new Quorum(sites.size(), nC, MIN_HONEST);
    return "With all %d sites in a sum, up to %d may collude with the aggregator; %s."
        .formatted(
            sites.size(),
            nC,
            switch (quorum.dropOuts()) {
              case 0 -> "none may drop out of a session";
              case 1 -> "one may drop out of a session";
              default -> quorum.dropOuts() + " may drop out of a session";
            });
  }

  List<String> sites() {
    return sites;
  }

  int nC() {
    return request.path("nC").asInt();
  }

  /// Makes every site's folder.
  List<SiteFolder> prepare(Path target) {
    return recipe.prepare(options.data().orElse(target), target);
  }

  /// The body of the submission.
  ObjectNode request() {
    return request.deepCopy();
  }

  /// Where the data come from, as their licence asks.
  Optional<String> citation() {
    return recipe.data() instanceof RecipeData.Files
        ? Optional.of(recipe.source().citation() + " " + recipe.source().licence())
        : Optional.empty();
  }
}
