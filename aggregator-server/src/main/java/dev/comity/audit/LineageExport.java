package dev.comity.audit;

import dev.comity.plan.Digest;
import java.io.IOException;
import java.io.OutputStream;

/// Everything that proves where a model comes from, as one archive that is checked offline; its
/// content is `dev.comity.transparency.AuditExport`.
public interface LineageExport {

  /// Why a model has no export.
  final class NotExportable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public NotExportable(String message) {
      super(message);
    }
  }

  /// An archive whose small parts are gathered, so that little can go wrong once it is written.
  interface Archive {
    /// Writes the zip; leaves `out` open.
    void writeTo(OutputStream out) throws IOException;
  }

  /// The archive of the model version with this digest. Fails with [NotExportable] for version 0,
  /// which follows from its seed alone, and for a model that an earlier software made without a
  /// log.
  Archive of(Digest model);
}
