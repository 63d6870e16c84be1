# Sourced by the launch scripts: checks the platform and sets JAVA_HOME to a JDK 25, or says in
# one line what is missing and ends the script.

if [ "$(uname -s)" != Linux ] || [ "$(uname -m)" != x86_64 ]; then
  echo "Comity runs on Linux x86_64 only; this is $(uname -s) $(uname -m)." >&2
  exit 1
fi

# Prints the feature version (25, 26, ...) of the JDK in folder $1, or nothing if there is none.
comity_jdk_version() {
  [ -x "$1/bin/javac" ] && [ -r "$1/release" ] &&
    sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

comity_find_jdk() {
  local candidate version path_java
  path_java=$(command -v javac 2>/dev/null) && path_java=$(readlink -f "$path_java")
  for candidate in \
    "${JAVA_HOME:-}" \
    "${path_java%/bin/javac}" \
    /usr/lib/jvm/* \
    /opt/* \
    "${HOME:-/nonexistent}"/.sdkman/candidates/java/* \
    "${HOME:-/nonexistent}"/.jdks/*; do
    [ -n "$candidate" ] || continue
    version=$(comity_jdk_version "$candidate") || continue
    if [ "${version:-0}" -eq 25 ]; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

if ! JAVA_HOME=$(comity_find_jdk); then
  echo "Comity needs a JDK 25 and found none: install Temurin 25 (https://adoptium.net) or set JAVA_HOME to one." >&2
  exit 1
fi
export JAVA_HOME
