// The plain bytes of an archive that ADD or a context brings: gzip and zstd as layers have them, and
// bzip2 and xz by a private module that is opened on first use.
#pragma once

#include "archive/byte_source.hpp"

#include <cstddef>
#include <memory>

namespace davit::build {

// from must outlive the result. Damage throws Error(failed).
std::unique_ptr<archive::ByteSource> plain_bytes(archive::ByteSource& from);

// What the module davit-inflate.so gives. Never throws: exceptions do not cross into another module.
class BlockInflater {
public:
    enum class Result { going_on, ended, damaged, no_memory };
    virtual ~BlockInflater() = default;
    // Takes bytes from in and gives bytes to out; both pointers and sizes are moved on. last: no more follow.
    virtual Result step(const char*& in, std::size_t& in_size, char*& out, std::size_t& out_size, bool last) = 0;
};
inline constexpr unsigned inflate_module_abi = 1;
inline constexpr const char* inflate_module_entry = "davit_block_inflater";
using InflateModuleEntry = BlockInflater* (*)(unsigned abi, int kind); // kind: archive::Compression; null: unknown

} // namespace davit::build
