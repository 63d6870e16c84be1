package dev.comity.run.web;

import dev.comity.plan.ModelVersion;
import dev.comity.plan.SiteId;
import dev.comity.registry.ArtifactRole;
import dev.comity.registry.ArtifactStore;
import dev.comity.registry.ModelRegistry;
import dev.comity.registry.PublishedModel;
import dev.comity.run.RunReports;
import dev.comity.run.RunReports.Metric;
import dev.comity.run.RunReports.RoundSummary;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
@RequestMapping("/api/v1/models")
@Tag(name = "models", description = "Models bear the name of the run that made them.")
final class ModelController {

  /// @param versions how many there are
  record ModelSummary(
      String name,
      String run,
      String study,
      String architecture,
      int versions,
      int newest,
      String digest,
      Instant publishedAt,
      @Nullable Metric metric,
      @Nullable String notMeasured) {}

  /// @param format safetensors for tensors, cbor for documents
  record Artifact(String role, String format, long bytes, String digest, String href) {}

  /// How the consortium's sites vouch for a version; null fields while nothing collects it.
  ///
  /// @param notMeasured why there are no metrics, where there can be none
  record VersionView(
      String name,
      int version,
      String digest,
      @Nullable String parent,
      String run,
      @Nullable Integer round,
      @Nullable String algorithm,
      List<String> participants,
      String architecture,
      @Nullable String planDigest,
      @Nullable String sumDigest,
      @Nullable String transcriptDigest,
      Instant publishedAt,
      @Nullable Metric metrics,
      @Nullable String notMeasured,
      @Nullable Double epsilon,
      @Nullable Object energy,
      List<Artifact> artifacts,
      @Nullable Object heads,
      @Nullable Object recomputedBy) {}

  private final ModelRegistry registry;
  private final ArtifactStore artifacts;
  private final RunReports reports;

  ModelController(ModelRegistry registry, ArtifactStore artifacts, RunReports reports) {
    this.registry = registry;
    this.artifacts = artifacts;
    this.reports = reports;
  }

  @GetMapping
  @Operation(summary = "All models, those of the newest runs first")
  List<ModelSummary> list() {
    List<ModelSummary> models = new ArrayList<>();
    for (var run : reports.runs()) {
      var versions = registry.versions(reports.find(run.id()).orElseThrow().run());
      if (!versions.isEmpty()) {
        var newest = versions.getLast();
        models.add(
            new ModelSummary(
                run.name(),
                run.id(),
                run.study(),
                newest.version().architecture().toString(),
                versions.size(),
                newest.version().version(),
                newest.digest().hex(),
                newest.publishedAt(),
                run.metric(),
                run.notMeasured()));
      }
    }
    return models;
  }

  @GetMapping("/{name}/versions")
  @Operation(summary = "All versions of a model, 0 first: its lineage")
  @ApiResponse(responseCode = "200", description = "the versions")
  @ApiResponse(responseCode = "404", description = "no such model")
  List<VersionView> versions(@PathVariable String name) {
    var run = run(name);
    var rounds = reports.rounds(run.run());
    return registry.versions(run.run()).stream()
        .map(version -> view(name, version, run, rounds))
        .toList();
  }

  @GetMapping("/{name}/versions/{version}")
  @Operation(summary = "One version")
  @ApiResponse(responseCode = "200", description = "the version")
  @ApiResponse(responseCode = "404", description = "no such model or version")
  VersionView version(@PathVariable String name, @PathVariable int version) {
    var run = run(name);
    return view(name, model(name, version), run, reports.rounds(run.run()));
  }

  @GetMapping("/{name}/versions/{version}/artifacts/{role}")
  @Operation(
      summary = "Download an artifact, whole or a Range of it",
      description = "weights, optimizer-state, layout, plan, sum or transcript")
  @ApiResponse(
      responseCode = "200",
      description = "the bytes, whose SHA-256 is the ETag",
      content = @Content(mediaType = MediaType.APPLICATION_OCTET_STREAM_VALUE))
  @ApiResponse(responseCode = "206", description = "the range asked for", content = @Content)
  @ApiResponse(responseCode = "404", description = "no such artifact", content = @Content)
  @ApiResponse(responseCode = "416", description = "no such range", content = @Content)
  ResponseEntity<Resource> artifact(
      @PathVariable String name, @PathVariable int version, @PathVariable String role) {
    var digest =
        ArtifactRole.ofSlug(role)
            .flatMap(known -> known.in(model(name, version).version()))
            .filter(artifacts::exists)
            .orElseThrow(
                () -> missing("Version %d of %s has no artifact %s.", version, name, role));
    var file = "%s-%d-%s.%s".formatted(name, version, role, format(role));
    return ResponseEntity.ok()
        .eTag("\"" + digest.hex() + "\"")
        .contentType(MediaType.APPLICATION_OCTET_STREAM)
        .header(
            HttpHeaders.CONTENT_DISPOSITION,
            ContentDisposition.attachment().filename(file).build().toString())
        .body(new FileSystemResource(artifacts.file(digest)));
  }

  private static String format(String role) {
    return role.equals("weights") || role.equals("optimizer-state") ? "safetensors" : "cbor";
  }

  private VersionView view(
      String name, PublishedModel model, RunReports.Found run, List<RoundSummary> rounds) {
    var version = model.version();
    var origin = version.origin();
    return new VersionView(
        name,
        version.version(),
        model.digest().hex(),
        version.parent().map(parent -> parent.hex()).orElse(null),
        version.run().toString(),
        origin.map(ModelVersion.Origin::round).orElse(null),
        origin.map(made -> made.step().getClass().getSimpleName()).orElse(null),
        origin
            .map(made -> made.participants().stream().map(SiteId::value).toList())
            .orElse(List.of()),
        version.architecture().toString(),
        origin.map(made -> made.plan().hex()).orElse(null),
        origin.map(made -> made.sum().hex()).orElse(null),
        origin.map(made -> made.transcript().hex()).orElse(null),
        model.publishedAt(),
        measuredBy(version, rounds),
        run.notMeasured(),
        null,
        null,
        artifacts(name, version),
        null,
        null);
  }

  /// A version is measured by the first committed round after the one that made it.
  private static @Nullable Metric measuredBy(ModelVersion version, List<RoundSummary> rounds) {
    int made = version.origin().map(ModelVersion.Origin::round).orElse(0);
    return rounds.stream()
        .filter(round -> round.round() > made && round.state().equals("COMMITTED"))
        .findFirst()
        .map(RoundSummary::metrics)
        .orElse(null);
  }

  private List<Artifact> artifacts(String name, ModelVersion version) {
    List<Artifact> found = new ArrayList<>();
    for (var role : ArtifactRole.values()) {
      role.in(version)
          .filter(artifacts::exists)
          .ifPresent(digest ->
              found.add(
                  new Artifact(
                      role.slug(),
                      format(role.slug()),
                      artifacts.size(digest),
                      digest.hex(),
                      "/api/v1/models/%s/versions/%d/artifacts/%s"
                          .formatted(name, version.version(), role.slug()))));
    }
    return found;
  }

  private PublishedModel model(String name, int version) {
    return registry.versions(run(name).run()).stream()
        .filter(model -> model.version().version() == version)
        .findFirst()
        .orElseThrow(() -> missing("Model %s has no version %d.", name, version));
  }

  private RunReports.Found run(String name) {
    return reports.find(name).orElseThrow(() -> missing("No model has the name %s.", name));
  }

  private static ResponseStatusException missing(String sentence, Object... values) {
    return new ResponseStatusException(HttpStatus.NOT_FOUND, sentence.formatted(values));
  }
}
