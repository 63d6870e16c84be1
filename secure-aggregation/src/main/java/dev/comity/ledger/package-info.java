/// A site's own book of what its data have cost in privacy: hash-chained, fsynced, never rewritten.
/// [dev.comity.ledger.PrivacyLedger] keeps it, [dev.comity.ledger.LedgerVerifier] reads it without
/// trust.
@NullMarked
package dev.comity.ledger;

import org.jspecify.annotations.NullMarked;
