#!/bin/bash
# Records of TLS that the kernel seals, where a kernel can: boots one of Debian's in qemu and runs guest.sh in it.
# See README.md. Ends with 77 where something of that is missing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${WEFT_BUILD:-$root/build/release}
cache=${WEFT_KTLS_FOLDER:-$root/build/ktls}
limit_s=${WEFT_KTLS_LIMIT_S:-1500}

skip()
{
    echo "ktls: $*"
    exit 77
}

for program in qemu-system-x86_64 busybox cpio curl openssl; do
    command -v "$program" >/dev/null || skip "no $program"
done
! file -L "$(command -v busybox)" 2>/dev/null | grep -q 'dynamically' || skip "busybox is not static"
[ -x "$build/weftd" ] || skip "no $build/weftd: ./weft build first"

# ---- a kernel with the module: as its package has it, not installed

mkdir -p "$cache"
cd "$cache"
if [ ! -d kernel/boot ]; then
    command -v apt-get >/dev/null || skip "no kernel in $cache/kernel, and no apt-get to fetch one"
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: *//p' | head -n 1)
    [ -n "$package" ] || skip "apt-cache knows no linux-image-cloud-amd64"
    apt-get download "$package" >/dev/null || skip "unable to fetch $package"
    dpkg-deb -x "$package"_*.deb kernel
    rm -f "$package"_*.deb
fi
modules=$(echo kernel/lib/modules/*/kernel)
[ -f "$modules/net/tls/tls.ko" ] || skip "the kernel in $cache/kernel has no tls.ko"

# ---- what it boots into

rm -rf initramfs
mkdir -p initramfs/{bin,dev,proc,sys,tmp,modules,etc/ssl}
cp "$(command -v busybox)" initramfs/bin/busybox
cp "$here/guest.sh" initramfs/init
for program in "$build/weftd" "$(command -v curl)" "$(command -v openssl)"; do
    cp "$program" initramfs/bin/
    ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "initramfs$(dirname "$library")"
        cp -L "$library" "initramfs$library"
    done
done
cp "$modules/net/tls/tls.ko" initramfs/modules/tls.module
for name in gcm ghash-generic gf128mul ctr ccm crypto_null aesni-intel crypto_simd cryptd \
    ghash-clmulni-intel chacha20poly1305 chacha_generic libchacha chacha-x86_64 poly1305_generic \
    libpoly1305 poly1305-x86_64; do
    find "$modules" -name "$name.ko" -exec cp {} initramfs/modules/ \;
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2000 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout initramfs/key.pem \
    -out initramfs/cert.pem 2>/dev/null
(cd initramfs && find . | cpio -o -H newc 2>/dev/null) | gzip -1 >initramfs.gz

# ---- booted; the last word of guest.sh says how it was

# The guest's clock counts its instructions, so that neither load here nor waiting there takes its time.
timeout "$limit_s" qemu-system-x86_64 -machine pc -cpu max -smp 1 -m 1536 -icount shift=1,sleep=off \
    -nographic -no-reboot -net none -kernel kernel/boot/vmlinuz-* -initrd initramfs.gz \
    -append "console=ttyS0 quiet panic=-1 no_timer_check random.trust_cpu=on" </dev/null | tee console.log
grep -q "^ktls: all was as it should be" console.log
