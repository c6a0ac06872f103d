#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_library.sh OUT CC AR OBJCOPY READELF HEADERS... -- OBJECTS...
#
# The engine and what it uses of base/ as something a foreign program can link: one object in which only the declared API
# is visible, every name of it beginning with acme_ (the sources call it error_set, the library acme_error_set), the
# archive of it, and headers to match. The headers are the sources' own; names.h, which compiler.h then includes, does the
# renaming. Writes OUT/library.o, OUT/libcertferry-acme.a and OUT/include/certferry/.
set -eu
out=$1 cc=$2 ar=$3 objcopy=$4 readelf=$5
shift 5
rm -rf "$out/include"
mkdir -p "$out/include/certferry/acme" "$out/include/certferry/base"

while [ "$1" != -- ]; do
	# "acme/flow.h" → <certferry/acme/flow.h>, so that one include path is enough and nobody else's base/ is met.
	folder=$(basename "$(dirname "$1")")
	case $folder in
	acme | base) to=$out/include/certferry/$folder/$(basename "$1") ;;
	*) to=$out/include/certferry/$(basename "$1") ;;
	esac
	sed -E 's,#include "((acme|base)/[a-z_]+\.h)",#include <certferry/\1>,' "$1" >"$to"
	shift
done
shift

"$cc" -r -nostdlib -o "$out/all.o" "$@"
"$readelf" -sW "$out/all.o" |
	awk '$5 == "GLOBAL" && $6 == "DEFAULT" && $7 != "UND" { print $8 }' | LC_ALL=C sort -u >"$out/api.txt"
awk '!/^acme_/ { print $1, "acme_" $1 }' "$out/api.txt" >"$out/renamed.txt"
"$objcopy" --redefine-syms="$out/renamed.txt" --localize-hidden "$out/all.o" "$out/library.o"
rm -f "$out/all.o" "$out/libcertferry-acme.a"
"$ar" rcsD "$out/libcertferry-acme.a" "$out/library.o"

{
	echo '/* SPDX-License-Identifier: Apache-2.0 */'
	echo "/* What the API's names are in the library. Made by make_library.sh. */"
	echo '#ifndef CERTFERRY_NAMES_H'
	echo '#define CERTFERRY_NAMES_H'
	echo
	awk '{ print "#define", $1, $2 }' "$out/renamed.txt"
	echo
	echo '#endif'
} >"$out/include/certferry/names.h"
compiler=$out/include/certferry/base/compiler.h
sed 's,^#define BASE_COMPILER_H$,&\n\n#include <certferry/names.h>,' "$compiler" >"$compiler.new"
mv "$compiler.new" "$compiler"
