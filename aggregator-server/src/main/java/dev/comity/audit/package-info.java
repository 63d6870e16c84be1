/// The journal and the audit log.
@NullMarked
package dev.comity.audit;

import org.jspecify.annotations.NullMarked;
