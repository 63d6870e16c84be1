package dev.comity.demo;

import java.nio.file.Path;

/// A site's own folder, made ready for an agent: `mapping` is a file in it and refers to data in
/// it.
public record SiteFolder(String site, Path folder, Path mapping) {}
