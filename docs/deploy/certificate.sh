#!/bin/sh
# Makes NAME.key and NAME.pem: a key, and a certificate of the authority in ca.pem and ca.key, which is made first if
# there is none. Each further word is a name or an address of the certificate's.
#
#     certificate.sh edge-1                              a node: it is whom it says it is, wherever it is
#     certificate.sh m1 IP:10.0.0.1 IP:127.0.0.1         a server of etcd: it is at its address
set -eu
umask 077

name=$1
shift
names="DNS:$name"
for other; do
    names="$names,$other"
done

if [ ! -e ca.key ]; then
    # [authority]
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=our nodes" -days 3650 \
        -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem
    # [/authority]
fi

# [node]
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" \
    -keyout "$name.key" -out "$name.csr"
cat >"$name.ext" <<END
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = $names
END
openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -extfile "$name.ext" -days 365 \
    -out "$name.pem"
# [/node]
rm "$name.csr" "$name.ext"
chmod 644 ca.pem "$name.pem"
