/// What the arithmetic of a round costs, by JMH. After `./mvnw package`, on a JDK 25:
///
/// ```
/// java -jar secure-aggregation/benchmarks/target/benchmarks.jar [pattern]
/// ```
///
/// Every benchmark works on a million parameters, with one thread, in a process of its own, for
/// about eight seconds; scores are milliseconds for the whole vector.
@NullMarked
package dev.comity.benchmarks;

import org.jspecify.annotations.NullMarked;
