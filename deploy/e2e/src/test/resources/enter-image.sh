# Runs a program in an unpacked image as a container engine would: a read-only root, a writable
# volume, a /tmp from which nothing can be executed, an own environment and an ordinary user.
# Arguments: root, state, secrets, then NAME=VALUE of the environment, "--", and the command line.
# Started as the root of a user namespace with mounts of its own.
set -eu
root=$1 state=$2 secrets=$3
shift 3
mount --bind "$root" "$root"
mkdir -p "$root/run/secrets"
mount --bind "$state" "$root/var/lib/comity"
mount --bind "$secrets" "$root/run/secrets"
mount --rbind /proc "$root/proc"
mount -t tmpfs -o nosuid,nodev,noexec,size=64m tmpfs "$root/tmp"
mount -t tmpfs -o nosuid,noexec,size=64k tmpfs "$root/dev"
for device in null zero random urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,ro,bind "$root/run/secrets"
mount -o remount,ro,bind "$root"
environment=()
while [ "$1" != -- ]; do
  environment+=("$1")
  shift
done
shift
exec env -i "${environment[@]}" "$(command -v unshare)" --user --map-user=10001 --map-group=10001 \
  --root="$root" --wd=/var/lib/comity -- "$@"
