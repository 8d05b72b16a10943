#include "archive/inflate.hpp"

#include "archive/inflate_isal.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <cstring>
#include <vector>
#include <zlib.h>
#include <zstd.h>

namespace davit::archive {

namespace {

constexpr std::size_t input_size = 256 * 1024;
constexpr std::size_t magic_size = 6;

// Bytes read ahead, then the stream itself.
class PrefixedSource : public ByteSource {
public:
    PrefixedSource(ByteSource& from, std::string first) : from_(from), first_(std::move(first)) {}
    std::size_t read(char* to, std::size_t max) override {
        if (at_ == first_.size()) return from_.read(to, max);
        std::size_t n = std::min(max, first_.size() - at_);
        std::memcpy(to, first_.data() + at_, n);
        at_ += n;
        return n;
    }

private:
    ByteSource& from_;
    std::string first_;
    std::size_t at_ = 0;
};

class ZlibSource : public ByteSource {
public:
    ZlibSource(ByteSource& from, std::string first) : from_(from, std::move(first)), input_(input_size) {
        if (inflateInit2(&z_, 15 + 16) != Z_OK) throw error(Errc::failed, "zlib refused to start");
    }
    ~ZlibSource() override { inflateEnd(&z_); }

    std::size_t read(char* to, std::size_t max) override {
        z_.next_out = reinterpret_cast<Bytef*>(to);
        z_.avail_out = static_cast<uInt>(max);
        while (!ended_ && z_.avail_out == max) {
            if (z_.avail_in == 0) refill();
            if (between_members_ && (z_.avail_in == 0 || !starts_member())) break;
            int rc = inflate(&z_, Z_NO_FLUSH);
            if (rc == Z_STREAM_END) {
                inflateReset(&z_);
                between_members_ = true;
            } else if (rc == Z_BUF_ERROR && z_.avail_in == 0) {
                if (at_end_) throw error(Errc::failed, "the gzip stream ends early");
            } else if (rc != Z_OK) {
                throw error(Errc::failed, "the gzip stream is corrupt ({})", z_.msg ? z_.msg : "zlib error");
            }
        }
        return max - z_.avail_out;
    }

private:
    void refill() {
        z_.next_in = input_.data();
        z_.avail_in = static_cast<uInt>(from_.read(reinterpret_cast<char*>(input_.data()), input_.size()));
        at_end_ = z_.avail_in == 0;
    }
    bool starts_member() {
        between_members_ = false;
        if (*z_.next_in == 0x1f) return true;
        from_.skip(UINT64_MAX); // padding after the last member
        between_members_ = ended_ = true;
        return false;
    }

    PrefixedSource from_;
    std::vector<Bytef> input_;
    z_stream z_{};
    bool at_end_ = false;
    bool between_members_ = false;
    bool ended_ = false;
};

class ZstdSource : public ByteSource {
public:
    ZstdSource(ByteSource& from, std::string first)
        : from_(from, std::move(first)), context_(ZSTD_createDStream()), input_(input_size) {
        if (!context_) throw error(Errc::failed, "zstd refused to start");
    }
    ~ZstdSource() override { ZSTD_freeDStream(context_); }

    std::size_t read(char* to, std::size_t max) override {
        ZSTD_outBuffer out{to, max, 0};
        while (out.pos == 0) {
            if (in_.pos == in_.size && !flushing_) {
                in_ = {input_.data(), from_.read(input_.data(), input_.size()), 0};
                if (in_.size == 0) {
                    if (inside_frame_) throw error(Errc::failed, "the zstd stream ends early");
                    return 0;
                }
            }
            std::size_t rc = ZSTD_decompressStream(context_, &out, &in_);
            if (ZSTD_isError(rc)) throw error(Errc::failed, "the zstd stream is corrupt ({})", ZSTD_getErrorName(rc));
            inside_frame_ = rc != 0;
            flushing_ = inside_frame_ && out.pos == out.size;
        }
        return out.pos;
    }

private:
    PrefixedSource from_;
    ZSTD_DStream* context_;
    std::vector<char> input_;
    ZSTD_inBuffer in_{nullptr, 0, 0};
    bool inside_frame_ = false;
    bool flushing_ = false; // the output was full: more may come without input
};

} // namespace

Compression compression_of(std::string_view b) {
    auto begins = [&](std::string_view magic) { return b.starts_with(magic); };
    if (begins("\x1f\x8b")) return Compression::gzip;
    if (begins("\x28\xb5\x2f\xfd")) return Compression::zstd;
    // A skippable frame may come first (zstd:chunked and others): 0x184D2A50 … 5F, little endian.
    if (b.size() >= 4 && (static_cast<unsigned char>(b[0]) & 0xf0) == 0x50 && b.substr(1, 3) == "\x2a\x4d\x18")
        return Compression::zstd;
    if (begins("BZh")) return Compression::bzip2;
    if (begins(std::string_view("\xfd"
                                "7zXZ\0",
                                6)))
        return Compression::xz;
    return Compression::none;
}

std::unique_ptr<ByteSource> make_inflater(ByteSource& from) {
    std::string first(magic_size, '\0');
    std::size_t have = 0;
    while (have < magic_size) {
        std::size_t n = from.read(first.data() + have, magic_size - have);
        if (n == 0) break;
        have += n;
    }
    first.resize(have);
    switch (compression_of(first)) {
    case Compression::gzip:
        if (isal_available()) return make_isal_inflater(from, std::move(first));
        return std::make_unique<ZlibSource>(from, std::move(first));
    case Compression::zstd: return std::make_unique<ZstdSource>(from, std::move(first));
    case Compression::bzip2:
        throw error(Errc::unsupported, "the data is compressed by bzip2; layers are plain, gzip or zstd");
    case Compression::xz:
        throw error(Errc::unsupported, "the data is compressed by xz; layers are plain, gzip or zstd");
    case Compression::none: break;
    }
    return std::make_unique<PrefixedSource>(from, std::move(first));
}

} // namespace davit::archive
