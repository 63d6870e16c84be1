/// REST for joining, membership, sign-in and tokens.
@NullMarked
package dev.comity.federation.web;

import org.jspecify.annotations.NullMarked;
