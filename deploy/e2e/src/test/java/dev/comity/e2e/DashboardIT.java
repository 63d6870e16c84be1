package dev.comity.e2e;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.ColorScheme;
import dev.comity.membership.MessageKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The dashboard in the system's Chromium (`COMITY_CHROMIUM`, else the usual paths), against the
/// packaged aggregator. Two staged runs stay as they are, one of them private; the other is led on.
class DashboardIT {
  private static final String STILL = "heart-7";
  private static final String LED = "heart-8";
  private static final String PRIVATE = "heart-private";
  private static final String UNMEASURED = "Not measured: differential privacy";
  private static final Path PICTURES = Path.of("target", "screenshots");
  private static final List<String> USUAL =
      List.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome");
  private static final String WATCH_POLICY =
      """
      addEventListener('securitypolicyviolation',
          (event) => console.error(`policy ${event.violatedDirective} ${event.blockedURI}`));
      """;

  @TempDir private static Path folder;
  private static @Nullable AggregatorProcess aggregator;
  private static @Nullable StagedRun led;
  private static @Nullable Playwright playwright;
  private static @Nullable Browser browser;
  private static String signedIn = "";

  private final List<String> complaints = new ArrayList<>();
  private @Nullable BrowserContext context;

  @BeforeAll
  static void startEverything() throws IOException {
    var chromium = chromium();
    assumeTrue(
        chromium.isPresent(),
        "no Chromium: install it (apt-get install chromium) or set COMITY_CHROMIUM to its path");
    var consortium = MessageKey.generate();
    aggregator = AggregatorProcess.start(folder, consortium);
    var database = aggregator().database();
    StagedRun.admit(database, consortium, Instant.now());
    new StagedRun(database, STILL, Instant.now()).stage();
    led = new StagedRun(database, LED, Instant.now());
    led().stage();
    StagedRun.ofRecords(database, PRIVATE, Instant.now().minus(Duration.ofHours(2))).stage();
    playwright =
        Playwright.create(
            new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
    browser =
        playwright
            .chromium()
            .launch(
                new BrowserType.LaunchOptions()
                    .setExecutablePath(chromium.get())
                    .setHeadless(true)
                    .setArgs(List.of("--no-sandbox", "--disable-gpu")));
    try (var first = browser.newContext(trusting())) {
      var page = first.newPage();
      signIn(page, aggregator().password());
      assertThat(page.locator("h1")).containsText("run");
      signedIn = first.storageState();
    }
  }

  private static Optional<Path> chromium() {
    var told = System.getenv("COMITY_CHROMIUM");
    return Stream.concat(Stream.ofNullable(told), told == null ? USUAL.stream() : Stream.empty())
        .map(Path::of)
        .filter(Files::isExecutable)
        .findFirst();
  }

  @AfterAll
  static void stopEverything() throws InterruptedException {
    if (playwright != null) {
      playwright.close(); // and its browser
    }
    if (aggregator != null) {
      aggregator.stop();
    }
  }

  @BeforeEach
  void listen() {
    complaints.clear();
  }

  @AfterEach
  void closePage() {
    if (context != null) {
      context.close();
    }
  }

  private static AggregatorProcess aggregator() {
    return present(aggregator);
  }

  private static StagedRun led() {
    return present(led);
  }

  private static <T> T present(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("not started");
    }
    return value;
  }

  /// The certificate is of the federation's own authority, which no browser knows.
  private static Browser.NewContextOptions trusting() {
    return new Browser.NewContextOptions().setIgnoreHTTPSErrors(true);
  }

  private static void signIn(Page page, String password) {
    page.navigate(aggregator().url());
    page.locator("#username").fill("admin");
    page.locator("#password").fill(password);
    page.keyboard().press("Enter");
  }

  private Page open(String route, int width, ColorScheme scheme) {
    context =
        present(browser)
            .newContext(
                trusting()
                    .setStorageState(signedIn)
                    .setViewportSize(width, 900)
                    .setColorScheme(scheme));
    context.addInitScript(WATCH_POLICY);
    var page = context.newPage();
    page.onConsoleMessage(message -> {
      if (message.type().equals("error") || message.type().equals("warning")) {
        complaints.add(message.text());
      }
    });
    page.onPageError(complaints::add);
    page.navigate(aggregator().url() + route);
    assertThat(page.locator("h1")).isVisible();
    return page;
  }

  private Page open(String route) {
    return open(route, 1440, ColorScheme.LIGHT);
  }

  private static Locator cell(Page page, String site, int round) {
    return page.locator("[data-key='cell-%s-%d']".formatted(site, round));
  }

  @Test
  void aWrongPasswordIsToldInTheServersOwnWordsAndTheRightOneOpensTheRuns() throws IOException {
    try (var stranger = present(browser).newContext(trusting())) {
      var page = stranger.newPage();

      signIn(page, "not the password");

      assertThat(page.locator("[role=alert].notice"))
          .containsText("The name or the password is wrong.");
      assertThat(page.locator("[role=alert].notice code")).hasText(Pattern.compile("[0-9a-f]{32}"));
      page.locator("#password").fill(aggregator().password());
      page.keyboard().press("Enter");
      assertThat(page.locator("tbody a.name")).hasCount(3);
    }
  }

  @Test
  void signingOutEndsTheSession() {
    try (var other = present(browser).newContext(trusting())) {
      var page = other.newPage();
      signIn(page, passwordOfAdmin());
      assertThat(page.locator("tbody a.name")).hasCount(3);

      page.locator("#account button").click();

      assertThat(page.locator("#username")).isVisible();
      assertThat(page.request().get(aggregator().url() + "api/v1/runs").status()).isEqualTo(401);
    }
  }

  private static String passwordOfAdmin() {
    try {
      return aggregator().password();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException("cannot read the first password", e);
    }
  }

  @Test
  void theMatrixTellsEveryStateByAShapeOfItsOwn() {
    var page = open("#/runs/" + STILL);
    var fates =
        Map.of(
            "accra-1",
            "SUMMED",
            "accra-3",
            "PARTIAL",
            "lusaka-3",
            "DROPPED",
            "beirut-4",
            "LATE",
            "maputo-4",
            "LOST",
            "dhaka-1",
            "REFUSED",
            "hanoi-4",
            "UNUSED",
            "quito-1",
            "NONE",
            "lusaka-9",
            "PAUSED",
            "dhaka-12",
            "TODO");

    var shapes = new TreeSet<String>();
    fates.forEach((place, state) -> {
      var at = page.locator("[data-key='cell-%s']".formatted(place));
      assertThat(at).hasAttribute("data-state", state);
      shapes.add(at.innerHTML().replaceAll("t-[a-z]+", ""));
    });

    assertThat(shapes).as("shapes without their colours").hasSize(fates.size());
    assertThat(cell(page, "lusaka", 3)).hasAttribute("aria-label", "lusaka, round 3: Dropped");
    assertThat(page.locator("[data-key='site-lusaka'] .note")).containsText("Paused, no power");
    assertThat(complaints).isEmpty();
  }

  @Test
  void aRetriedRoundShowsBothSessionsAndWhoseMaskWasRecovered() {
    var page = open("#/runs/" + STILL + "/rounds/6");

    assertThat(page.locator("#round-title")).hasText("Round 6");
    assertThat(page.locator(".track .sess")).hasCount(2);
    assertThat(page.locator(".round")).containsText("Dropped, recovered from 6 shares");
    assertThat(page.locator(".round")).containsText("that certificate keeps every update unspent");
    assertThat(complaints).isEmpty();
  }

  @Test
  void theRunPageFollowsARoundThatCommitsWithoutAReload() {
    var page = open("#/runs/" + LED);
    page.evaluate("window.sameDocument = true");
    assertThat(page.locator(".rounds button[aria-pressed=true]")).hasText("9");
    assertThat(page.locator("[data-key=Rounds] .fig")).hasText("7 of 12 committed");

    led().moves(9, "quito", "INVITED", "TRAINING", Instant.now());
    assertThat(cell(page, "quito", 9)).hasAttribute("data-state", "TRAINING");
    led().commit(9, List.of("accra", "beirut", "hanoi", "lusaka", "quito"), Instant.now());

    assertThat(cell(page, "quito", 9)).hasAttribute("data-state", "SUMMED");
    assertThat(page.locator(".rounds button[aria-pressed=true]")).hasText("10");
    assertThat(page.locator("[data-key=Rounds] .fig")).hasText("8 of 12 committed");
    assertThat(page.locator("[data-key=accuracy] .note b")).hasText("0.815");
    assertThat(page.locator(".journal")).containsText("Round 10 begins with 7 sites invited.");
    assertThat(page.locator("#say")).containsText("round 9 of 12 asks its sites");
    assertThat(page.evaluate("window.sameDocument")).isEqualTo(true);
    assertThat(complaints).isEmpty();
  }

  @Test
  void aLostStreamGreysTheLiveValuesAndCatchesUpWhenItIsBack() {
    var page = open("#/runs/" + LED + "/rounds/8");
    assertThat(page.locator("#live")).containsText("Live");
    page.evaluate("window.sameDocument = true");
    page.context().setOffline(true);

    assertThat(page.locator("#banner")).containsText("Live updates stopped at");
    assertThat(page.locator("#live")).containsText("Not live");
    led().note("The federation's power is back.");
    page.context().setOffline(false);

    assertThat(page.locator("#banner")).not().isVisible();
    assertThat(page.locator(".journal")).containsText("The federation's power is back.");
    assertThat(page.evaluate("window.sameDocument")).isEqualTo(true);
  }

  @Test
  void theGridIsOneTabStopWithArrowsAndEnterChoosesTheRound() {
    var page = open("#/runs/" + STILL);
    assertThat(page.locator("[role=gridcell][tabindex='0']")).hasCount(1);

    cell(page, "beirut", 3).click();
    cell(page, "beirut", 3).focus();
    page.keyboard().press("ArrowRight");
    page.keyboard().press("ArrowDown");
    assertThat(cell(page, "dhaka", 4)).isFocused();
    page.keyboard().press("Home");
    assertThat(cell(page, "dhaka", 1)).isFocused();
    page.keyboard().press("ArrowRight");
    page.keyboard().press("Enter");

    assertThat(page).hasURL(Pattern.compile("#/runs/heart-7/rounds/2$"));
    assertThat(page.locator("#round-title")).hasText("Round 2");
    assertThat(cell(page, "dhaka", 2)).isFocused();
    assertThat(page.locator("[role=gridcell][tabindex='0']")).hasCount(1);
    assertThat(complaints).isEmpty();
  }

  @Test
  void aPrivateRunSaysEverywhereWhyNothingIsMeasured() {
    var page = open("#/runs");
    var row = page.locator("tbody tr", new Page.LocatorOptions().setHasText(PRIVATE));
    assertThat(row.locator("[data-th=Model]")).hasText(UNMEASURED);

    row.locator("a.name").click();
    assertThat(page.locator("[data-key=Model] .fig")).hasText(UNMEASURED);
    assertThat(page.locator("[data-key=unmeasured]")).containsText(UNMEASURED);
    assertThat(page.locator("[data-key=accuracy], [data-key=loss]")).hasCount(0);
    assertThat(page.locator("[data-key=assumes]")).containsText("ε 2 over all rounds");

    page.navigate(aggregator().url() + "#/models/" + PRIVATE);
    assertThat(page.locator(".tree li .both")).hasText(UNMEASURED);
    assertThat(page.locator("[data-key=card]")).containsText(UNMEASURED);
    var answer = page.request().get(aggregator().url() + "api/v1/runs/" + PRIVATE).text();
    assertThat(answer)
        .contains("\"metric\":null")
        .contains("\"notMeasured\":\"differential privacy\"");
    assertThat(complaints).isEmpty();
  }

  @Test
  void everyChartHasItsTableBehindAButton() {
    var page = open("#/runs/" + STILL + "/rounds/6");

    for (var key : List.of("quality", "loss", "sites", "training")) {
      page.locator("[data-table='%s']".formatted(key)).click();
    }

    assertThat(page.locator("#table-quality tbody tr").nth(7)).hasText("8Committed0.8030.863");
    assertThat(page.locator("#table-sites tbody tr").first()).containsText("accra");
    assertThat(page.locator("#table-training thead")).containsText("Ready at, UTC");
    assertThat(complaints).isEmpty();
  }

  @Test
  void cancellingAsksFirst() {
    var page = open("#/runs/" + STILL);

    page.locator("[data-do=cancel]").click();

    assertThat(page.locator(".ask")).containsText("every committed version is kept");
    page.locator("[data-do=keep]").click();
    assertThat(page.locator(".ask")).hasCount(0);
  }

  @Test
  void anUnknownRunIsToldWithItsRemedyAndTrace() {
    context = present(browser).newContext(trusting().setStorageState(signedIn));
    var page = context.newPage();

    page.navigate(aggregator().url() + "#/runs/no-such-run");

    assertThat(page.locator("[role=alert].blank")).containsText("This run could not be read");
    assertThat(page.locator("[role=alert].blank"))
        .containsText("No run has the id or the name no-such-run.");
    assertThat(page.locator("[role=alert].blank")).containsText("404");
    assertThat(page.locator("[role=alert].blank code")).hasText(Pattern.compile("[0-9a-f]{32}"));
  }

  @Test
  void theThemeButtonOverridesTheSystemAndIsKept() {
    var page = open("#/sites");

    page.locator("#theme").click();
    page.reload();

    assertThat(page.locator("html")).hasAttribute("data-theme", "dark");
    assertThat(page.locator("body")).hasCSS("background-color", "rgb(19, 20, 23)");
  }

  @ParameterizedTest(name = "{0} at {1} in {2}")
  @CsvSource({
    "runs, 1440, LIGHT",
    "runs, 1440, DARK",
    "runs, 390, LIGHT",
    "runs, 390, DARK",
    "runs/heart-7, 1440, LIGHT",
    "runs/heart-7, 1440, DARK",
    "runs/heart-7, 390, LIGHT",
    "runs/heart-7, 390, DARK",
    "runs/heart-7, 360, LIGHT",
    "runs/heart-7/rounds/6, 1440, DARK",
    "runs/heart-7/rounds/6, 390, LIGHT",
    "runs/heart-7, 900, LIGHT",
    "sites, 1440, LIGHT",
    "sites, 390, DARK",
    "models, 1440, DARK",
    "models, 390, LIGHT"
  })
  void pagesFitTheirWindowInBothThemes(String route, int width, ColorScheme scheme)
      throws IOException {
    var page = open("#/" + route, width, scheme);
    assertThat(page.locator("#live")).containsText("Live");

    Files.createDirectories(PICTURES);
    var name =
        "%s-%d-%s.png"
            .formatted(
                route.replace('/', '-'), width, scheme.name().toLowerCase(java.util.Locale.ROOT));
    page.screenshot(new Page.ScreenshotOptions().setPath(PICTURES.resolve(name)).setFullPage(true));

    assertThat(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
        .as("pixels beyond the window of %s", name)
        .isEqualTo(0);
    assertThat(complaints).isEmpty();
  }
}
