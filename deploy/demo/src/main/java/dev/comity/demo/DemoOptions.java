package dev.comity.demo;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/// What the user asked of the demo.
///
/// @param recipe name of a recipe; absent for a generated federation
/// @param data folder with the recipe's files
/// @param algorithm name of a federated algorithm, as REST knows it
/// @param rounds committed rounds; absent for the study's own number
/// @param sites how many; absent for five, or for the recipe's own
/// @param seed of initial weights and batch order
/// @param nC how many sites may collude with the aggregator; absent for the study's own number
/// @param port of REST and the dashboard; absent for a free one
/// @param keep whether the work folder is kept
/// @param folder the work folder, when it is chosen
/// @param stay whether the federation goes on after the run, until Ctrl-C
record DemoOptions(
    Optional<String> recipe,
    Optional<Path> data,
    String algorithm,
    OptionalInt rounds,
    OptionalInt sites,
    long seed,
    OptionalInt nC,
    Fault fault,
    OptionalInt port,
    boolean keep,
    Optional<Path> folder,
    Path out,
    boolean stay) {}
