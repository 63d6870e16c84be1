# Sourced by the launch scripts, with the root of the checkout in $root: finds a JDK 25 and builds
# what is missing.

. "$root/.mvn/jdk25.sh"

modules=(deploy/demo aggregator-server site-agent secure-aggregation/consortium)

# Prints the plain jar of a module, whose time is that of its build.
plain_jar() {
  find "$root/$1/target" -maxdepth 1 -name 'comity-*.jar' ! -name '*-exec.jar' -print -quit
}

# COMITY_BUILT=1 says that everything is built: for tests that run within the build itself.
if [ "${COMITY_BUILT:-}" = 1 ]; then
  return 0
fi

# Whether every program is built, and after the last change of any source. The executable jars have
# a fixed time, so the plain ones are asked.
built() {
  local module jar
  for module in "${modules[@]}"; do
    compgen -G "$root/$module/target/*-exec.jar" >/dev/null || return 1
    jar=$(plain_jar "$module")
    [ -n "$jar" ] || return 1
    [ -z "$(find "$root"/{pom.xml,secure-aggregation,model-registry,aggregator-server,site-agent,deploy/demo} \
      \( -name target -o -path '*/src/test' \) -prune -o \
      \( -path '*/src/main/*' -o -name pom.xml \) -type f -newer "$jar" -print -quit)" ] || return 1
  done
}

if ! built; then
  echo "Building Comity. The first time downloads its libraries and takes some minutes..."
  started=$SECONDS
  log=$(mktemp -t comity-build-XXXXXX.log)
  if ! (cd "$root" && ./mvnw -B -q -Dmaven.test.skip=true package \
    -pl "$(IFS=,; echo "${modules[*]}")" -am) >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "The build failed; the whole log is in $log." >&2
    exit 1
  fi
  rm -f "$log"
  for module in "${modules[@]}"; do
    touch "$(plain_jar "$module")"
  done
  echo "Built in $((SECONDS - started)) s."
fi
