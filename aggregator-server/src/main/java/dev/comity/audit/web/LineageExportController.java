package dev.comity.audit.web;

import dev.comity.audit.LineageExport;
import dev.comity.registry.ModelRegistry;
import dev.comity.run.RunReports;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
@Tag(name = "audit")
final class LineageExportController {
  private static final String ZIP = "application/zip";

  private final LineageExport exports;
  private final ModelRegistry registry;
  private final RunReports runs;

  LineageExportController(LineageExport exports, ModelRegistry registry, RunReports runs) {
    this.exports = exports;
    this.registry = registry;
    this.runs = runs;
  }

  @GetMapping("/api/v1/models/{name}/versions/{version}/audit-export")
  @Operation(
      summary = "Everything that proves where a version comes from",
      description = "A zip that `site-agent audit verify` checks offline.")
  @ApiResponse(
      responseCode = "200",
      description = "the archive",
      content = @Content(mediaType = ZIP))
  @ApiResponse(responseCode = "404", description = "no such model or version")
  @ApiResponse(responseCode = "409", description = "the version has nothing to prove")
  void export(@PathVariable String name, @PathVariable int version, HttpServletResponse response)
      throws IOException {
    var run =
        runs.find(name)
            .orElseThrow(() -> missing("No model has the name %s.".formatted(name)))
            .run();
    var model =
        registry.versions(run).stream()
            .filter(published -> published.version().version() == version)
            .findFirst()
            .orElseThrow(() -> missing("Model %s has no version %d.".formatted(name, version)));
    LineageExport.Archive archive;
    try {
      archive = exports.of(model.digest());
    } catch (LineageExport.NotExportable e) {
      throw new ResponseStatusException(HttpStatus.CONFLICT, e.getMessage(), e);
    }
    response.setContentType(ZIP);
    response.setHeader(
        HttpHeaders.CONTENT_DISPOSITION,
        ContentDisposition.attachment()
            .filename("%s-%d-audit.zip".formatted(name, version))
            .build()
            .toString());
    archive.writeTo(response.getOutputStream());
  }

  private static ResponseStatusException missing(String sentence) {
    return new ResponseStatusException(HttpStatus.NOT_FOUND, sentence);
  }
}
