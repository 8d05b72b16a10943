// davit-inflate.so: bzip2 by libbz2, xz by liblzma.
#include "archive/inflate.hpp"
#include "build/files/archive_source.hpp"

#include <algorithm>
#include <bzlib.h>
#include <climits>
#include <cstdint>
#include <lzma.h>
#include <new>

namespace davit::build {

namespace {

constexpr std::uint64_t most_memory = 256u << 20; // of a dictionary that the stream asks for

class XzInflater : public BlockInflater {
public:
    bool start() { return lzma_stream_decoder(&stream_, most_memory, LZMA_CONCATENATED) == LZMA_OK; }
    ~XzInflater() override { lzma_end(&stream_); }

    Result step(const char*& in, std::size_t& in_size, char*& out, std::size_t& out_size, bool last) override {
        stream_.next_in = reinterpret_cast<const std::uint8_t*>(in);
        stream_.avail_in = in_size;
        stream_.next_out = reinterpret_cast<std::uint8_t*>(out);
        stream_.avail_out = out_size;
        const lzma_ret result = lzma_code(&stream_, last ? LZMA_FINISH : LZMA_RUN);
        in = reinterpret_cast<const char*>(stream_.next_in);
        in_size = stream_.avail_in;
        out = reinterpret_cast<char*>(stream_.next_out);
        out_size = stream_.avail_out;
        if (result == LZMA_STREAM_END) return Result::ended;
        if (result == LZMA_OK || result == LZMA_BUF_ERROR) return Result::going_on;
        return result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR ? Result::no_memory : Result::damaged;
    }

private:
    lzma_stream stream_ = LZMA_STREAM_INIT;
};

class Bzip2Inflater : public BlockInflater {
public:
    ~Bzip2Inflater() override { end(); }

    Result step(const char*& in, std::size_t& in_size, char*& out, std::size_t& out_size, bool last) override {
        if (last && in_size == 0 && !open_ && streams_) return Result::ended;
        if (!open_) {
            if (in_size == 0) return Result::going_on;
            stream_ = {};
            if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) return Result::no_memory;
            open_ = true;
            ++streams_;
        }
        stream_.next_in = const_cast<char*>(in); // libbz2 knows no const; it does not write
        stream_.avail_in = static_cast<unsigned>(std::min<std::size_t>(in_size, UINT_MAX));
        stream_.next_out = out;
        stream_.avail_out = static_cast<unsigned>(std::min<std::size_t>(out_size, UINT_MAX));
        const unsigned room = stream_.avail_out;
        const int result = BZ2_bzDecompress(&stream_);
        in_size -= static_cast<std::size_t>(stream_.next_in - in);
        in = stream_.next_in;
        out = stream_.next_out;
        out_size -= room - stream_.avail_out;
        if (result == BZ_STREAM_END) return end(), Result::going_on; // another stream may follow
        if (result == BZ_OK) return Result::going_on;
        // What follows a whole stream and is none is padding, as bzip2(1) ignores it.
        if (result == BZ_DATA_ERROR_MAGIC && streams_ > 1) return Result::ended;
        return result == BZ_MEM_ERROR ? Result::no_memory : Result::damaged;
    }

private:
    void end() {
        if (open_) BZ2_bzDecompressEnd(&stream_);
        open_ = false;
    }
    bz_stream stream_{};
    bool open_ = false;
    unsigned streams_ = 0;
};

} // namespace

extern "C" __attribute__((visibility("default"))) BlockInflater* davit_block_inflater(unsigned abi, int kind) {
    if (abi != inflate_module_abi) return nullptr;
    if (kind == static_cast<int>(archive::Compression::bzip2)) return new (std::nothrow) Bzip2Inflater;
    if (kind != static_cast<int>(archive::Compression::xz)) return nullptr;
    auto* const out = new (std::nothrow) XzInflater;
    if (out && out->start()) return out;
    delete out;
    return nullptr;
}

} // namespace davit::build
