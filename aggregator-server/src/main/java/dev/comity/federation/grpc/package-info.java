/// Who calls the sites' service: from client certificate to site.
@NullMarked
package dev.comity.federation.grpc;

import org.jspecify.annotations.NullMarked;
