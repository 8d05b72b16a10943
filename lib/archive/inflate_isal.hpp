// ISA-L, opened on first use: it is twice as fast as zlib, but not on every machine.
#pragma once

#include "archive/byte_source.hpp"

#include <memory>
#include <string>

namespace davit::archive {

bool isal_available();
// first: bytes of the stream that were read already.
std::unique_ptr<ByteSource> make_isal_inflater(ByteSource& from, std::string first);

} // namespace davit::archive
