#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# linux.sh BUILD RESULTS PROGRAM...: boots a real kernel (BUILD/linux/vmlinuz, put there by `linux.sh fetch BUILD`) in
# qemu-system with nothing but this machine's C library and core programs and the test programs, runs those as root, and leaves
# their TAP in RESULTS.
set -u
# What the tests start, and what they start it with.
packages='bash dash coreutils grep sed uidmap libc-bin mount util-linux'

# Debian's kernel for clouds: no module is needed for what the tests do.
fetch() {
  local name
  mkdir -p "$1/linux" && cd "$1/linux" || exit 1
  name=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
  rm -f ./*.deb
  apt-get download -q "$name" && dpkg-deb -x ./*.deb . && mv boot/vmlinuz-* vmlinuz && rm -rf ./*.deb boot lib usr
}

# The root directory. The tests find their library by the way from where they are.
make_root() { # DIRECTORY BUILD PROGRAM...
  local root=$1 build=$2 file tools
  shift 2
  mkdir -p "$root"/{proc,sys,dev,tmp,etc,root,run,build/t,usr/bin,usr/sbin,usr/lib,usr/lib64}
  for file in bin sbin lib lib64; do ln -s usr/$file "$root/$file"; done
  cp "${@/#/$build/t/}" "$build/t/probe" "$root/build/t/"
  cp -P "$build"/libforkexec*.so* "$build/terminal" "$root/build/"
  # shellcheck disable=SC2086
  tools=$(dpkg -L $packages | grep -E '^(/usr)?/s?bin/.' | sort -u)
  # shellcheck disable=SC2086
  { echo "$tools"; ldd $tools "$root"/build/t/* 2>/dev/null | grep -o '/[^ ]*' | grep -v -e ':$' -e "^$(dirname "$root")"; } |
    sort -u | while read -r file; do
      [ ! -f "$file" ] || { mkdir -p "$root$(dirname "$file")" && cp -L --preserve=mode "$file" "$root$file"; }
    done
  cp /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.conf /etc/subuid /etc/subgid "$root/etc/" 2>/dev/null
  chmod u+s "$root/usr/bin/newuidmap" "$root/usr/bin/newgidmap"
  chmod +x "$root/init"
}

# The first process. A root directory that can be exchanged is none of the kernel's first one.
init() { # PROGRAM...
  cat <<END
#!/bin/bash
export PATH=/usr/sbin:/usr/bin BUILD=/build FE_TEST_PROBE=/build/t/probe FE_TEST_PATIENCE=300
if [ -z "\$INSIDE" ]; then
  mkdir /new && mount -t tmpfs -o mode=755 none /new
  cp -a /bin /sbin /lib /lib64 /usr /etc /proc /sys /dev /tmp /root /run /init /build /new/ --parents 2>/dev/null
  cd /new && mount --move . / && INSIDE=1 exec chroot . /init
fi
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev; mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=666 none /dev/pts; mount -t tmpfs none /dev/shm; mount -t tmpfs -o mode=1777 none /tmp
mount -t cgroup2 none /sys/fs/cgroup; echo '+pids' > /sys/fs/cgroup/cgroup.subtree_control; ldconfig; cd /
ln -s /proc/self/fd /dev/fd
# A write to the line itself can be interrupted.
exec > >(cat > /dev/ttyS1) 2>&1
uname -a
for t in $*; do
  echo "@@ \$t"
  start=\$SECONDS
  timeout -s KILL 900 setsid /build/t/\$t < /dev/null
  status=\$?
  [ \$status -le 1 ] || echo "not ok 999 - \$t ended with status \$status"
  echo "# took \$((SECONDS - start)) s"
done
echo "@@ end"
exec >&-; wait
END
}

if [ "$1" = fetch ]; then
  fetch "$2"
  exit
fi
build=$(realpath "$1") results=$2
shift 2
work=$(mktemp -d /tmp/forkexec-linux-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root" "$results"
init "$@" >"$work/root/init"
make_root "$work/root" "$build" "$@"
(cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/initrd"
start=$SECONDS
timeout -s KILL "${LINUX_TIMEOUT:-1500}" qemu-system-x86_64 -accel "${LINUX_ACCEL:-tcg,thread=multi}" -cpu max -smp 2 -m 2G -nodefaults -no-reboot -display none \
  -kernel "$build/linux/vmlinuz" -initrd "$work/initrd" -append 'console=ttyS0 panic=-1' \
  -serial file:"$work/console" -serial file:"$work/out" 2>"$work/qemu"
# What it has not come to is not said to have passed.
if ! grep -q '^@@ end' "$work/out"; then
  tail -n 20 "$work/qemu" "$work/console" "$work/out"
  echo "not ok 1 - the kernel runs them all" >"$results/linux.tap"
else
  printf '1..1\nok 1 - the kernel runs them all\n' >"$results/linux.tap"
fi
tr -d '\r' <"$work/out" | awk -v results="$results" '
  /^@@ / { file = results "/" $2 ".tap"; next }
  file && !/^1\.\.|^ok|^not ok|^#/ { $0 = "# " $0 }
  file { print > file }'
rm -f "$results/end.tap"
head -n 1 "$work/out"
echo "after $((SECONDS - start)) s"
