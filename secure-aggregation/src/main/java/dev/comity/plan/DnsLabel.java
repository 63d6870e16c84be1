package dev.comity.plan;

import java.util.regex.Pattern;

/// The form of names that appear in certificates and addresses.
final class DnsLabel {
  private static final Pattern FORM = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

  private DnsLabel() {}

  static void require(String what, String value) {
    if (!FORM.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "%s \"%s\": must be 1 to 63 of a-z, 0-9 and -, and neither begin nor end with -"
              .formatted(what, value.length() > 80 ? value.substring(0, 80) + "…" : value));
    }
  }
}
