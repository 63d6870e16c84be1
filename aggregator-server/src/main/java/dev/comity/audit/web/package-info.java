/// REST for the journal: pages of it, and a live stream.
@NullMarked
package dev.comity.audit.web;

import org.jspecify.annotations.NullMarked;
