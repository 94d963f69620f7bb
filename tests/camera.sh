#!/bin/sh
# camera.sh - cygnet-view on a real camera device, without a camera: boots a kernel with the driver vivid
# (a virtual V4L2 camera) in an emulated machine that sees this one's files read-only, and runs
# camera_guest.sh there.
#
#     tests/camera.sh BUILD KERNEL      a build's folder, and where a kernel's package is unpacked
#
# 0: all is well; 1: something is not; 77: qemu, busybox or the kernel is missing.
set -eu
tests=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
kernel=$2
limit=${CYG_CAMERA_LIMIT:-900}          # seconds

skip() { printf 'camera: skipped: %s\n' "$*"; exit 77; }
PATH=$PATH:/sbin:/usr/sbin
for program in qemu-system-x86_64 busybox cpio depmod modprobe; do
    command -v "$program" >/dev/null || skip "no $program"
done
image=$(echo "$kernel"/boot/vmlinuz-*)
[ -f "$image" ] || skip "no kernel in $kernel"
version=${image##*/vmlinuz-}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# --- the machine's first files: busybox, the modules in their order, and what it runs first --------
root=$work/root
mkdir -p "$root/modules" "$root/dev" "$root/proc" "$root/sys" "$root/host"
cp "$(command -v busybox)" "$root/busybox"
depmod -b "$kernel" "$version"
for module in virtio_pci 9pnet_virtio 9p vivid; do
    modprobe -d "$kernel" -S "$version" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/modules"
while read -r module; do
    cp "$module" "$root/modules/"
    echo "${module##*/}"
done <"$work/modules" >"$root/modules/order"
cat >"$root/init" <<INIT
#!/busybox sh
/busybox mount -t proc none /proc
/busybox mount -t sysfs none /sys
/busybox mount -t devtmpfs none /dev
while read -r module; do
    case \$module in vivid.ko) options='n_devs=1 node_types=0x1' ;; *) options= ;; esac
    /busybox insmod "/modules/\$module" \$options
done </modules/order
/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /host
for folder in dev proc sys; do /busybox mount --bind /\$folder /host/\$folder; done
/busybox mount -t tmpfs none /host/run
PATH=/usr/local/bin:/usr/bin:/bin HOME=/run /busybox chroot /host /bin/sh '$tests/camera_guest.sh' '$build'
/busybox poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc) >"$work/initrd"

# --- it runs; nothing of this machine can be written to ---------------------------------------------
begun=$(date +%s)
timeout --foreground "$limit" \
    qemu-system-x86_64 -machine q35 -accel tcg -cpu max -smp 2 -m 1G -nodefaults -no-reboot -display none \
    -serial "file:$work/console" -kernel "$image" -initrd "$work/initrd" \
    -append 'console=ttyS0 quiet loglevel=3 panic=-1' \
    -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap ||
    echo "camera: the machine failed, or took longer than $limit s"

tr -d '\r' <"$work/console"
echo "camera: took $(($(date +%s) - begun)) s"
grep -q '^camera: passed' "$work/console"
