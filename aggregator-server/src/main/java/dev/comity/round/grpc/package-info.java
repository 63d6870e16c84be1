/// What sites reach over gRPC.
@NullMarked
package dev.comity.round.grpc;

import org.jspecify.annotations.NullMarked;
