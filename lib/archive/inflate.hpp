// Decompression chosen by the first bytes of a stream, never by what a media type claims.
#pragma once

#include "archive/byte_source.hpp"

#include <memory>
#include <string_view>

namespace davit::archive {

enum class Compression { none, gzip, zstd, bzip2, xz };
Compression compression_of(std::string_view first_bytes);

// Reads the first bytes of from and returns a source of the plain bytes. Several gzip members or
// zstd frames follow each other; what follows the last gzip member (padding) is read and ignored.
// Damage throws Errc::failed. ISA-L does gzip where libisal is installed, else zlib.
// from must outlive the result.
std::unique_ptr<ByteSource> make_inflater(ByteSource& from);

} // namespace davit::archive
