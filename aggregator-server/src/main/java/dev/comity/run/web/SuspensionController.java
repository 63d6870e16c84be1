package dev.comity.run.web;

import dev.comity.plan.SiteId;
import dev.comity.run.Suspensions;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Size;
import java.security.Principal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
@RequestMapping("/api/v1/sites")
@Tag(name = "sites")
final class SuspensionController {
  private static final Logger LOG = LoggerFactory.getLogger(SuspensionController.class);

  /// @param reason what the cause was and why it is gone, for whoever reads the record
  record Reinstatement(@NotBlank @Size(max = 200) String reason) {}

  private final Suspensions suspensions;

  SuspensionController(Suspensions suspensions) {
    this.suspensions = suspensions;
  }

  @PostMapping(path = "/{site}/reinstatement", consumes = "application/json")
  @ResponseStatus(HttpStatus.NO_CONTENT)
  @Operation(summary = "Lift the suspension of a site whose shares burned a session")
  @ApiResponse(responseCode = "204", description = "the site is in rosters again")
  @ApiResponse(responseCode = "404", description = "the site is not suspended")
  void reinstate(
      @PathVariable String site, @Valid @RequestBody Reinstatement body, Principal caller) {
    if (!lifted(site, caller.getName(), body.reason())) {
      throw new ResponseStatusException(
          HttpStatus.NOT_FOUND, "Site %s is not suspended; see /api/v1/sites.".formatted(site));
    }
    LOG.atInfo()
        .addKeyValue("site", site)
        .addKeyValue("account", caller.getName())
        .log("suspension lifted");
  }

  private boolean lifted(String site, String account, String reason) {
    try {
      return suspensions.lift(new SiteId(site), account, reason);
    } catch (IllegalArgumentException _) {
      return false; // no site has such a name
    }
  }
}
