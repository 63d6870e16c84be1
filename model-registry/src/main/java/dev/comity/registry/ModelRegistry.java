package dev.comity.registry;

import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import java.util.List;
import java.util.Optional;

/// The federation's model versions, named by the digest of their exact bytes.
///
/// What is published stays and never changes. A version is published only after its parent, and
/// only when the [ArtifactStore] holds every artifact that it names.
public interface ModelRegistry {
  /// Publishes `document`, the exact bytes of a ModelVersion, in the caller's transaction: it is
  /// there if and when that commits. Publishing the same bytes again changes nothing.
  ///
  /// Throws [RefusedPublicationException] when the bytes have another digest than `digest` or are
  /// no ModelVersion, when the parent is unknown or not the version before it of the same run and
  /// architecture, when the store lacks an artifact, or when the run already has another document
  /// for this version; `IllegalStateException` without a transaction.
  PublishedModel publish(Digest digest, byte[] document);

  /// The version with this digest.
  Optional<PublishedModel> find(Digest digest);

  /// All versions of a run, from 0 up.
  List<PublishedModel> versions(RunId run);

  /// The version with this digest and all that it descends from; `java.util.NoSuchElementException`
  /// if it is unknown.
  Lineage lineage(Digest digest);
}
