# shellcheck shell=bash disable=SC2154 # folder is the script's
# For scripts that set folder: an authority in it (ca.pem), and certificates of it.

# authority NAME: made, as NAME.pem and NAME.key; what identity then makes is of "ca".
authority()
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=authority -days 2 \
        -keyout "$folder/$1.key" -out "$folder/$1.pem" 2>/dev/null
}

# identity NAME [AUTHORITY]: its certificate and key, together in NAME.pem; the key alone in NAME.key.
identity()
{
    local of=${2:-ca}
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
        -addext "subjectAltName=DNS:$1" -keyout "$folder/$1.key" -out "$folder/$1.csr" 2>/dev/null
    openssl x509 -req -in "$folder/$1.csr" -CA "$folder/$of.pem" -CAkey "$folder/$of.key" -CAcreateserial \
        -copy_extensions copy -days 2 -out "$folder/$1.crt" 2>/dev/null
    cat "$folder/$1.crt" "$folder/$1.key" >"$folder/$1.pem"
}
