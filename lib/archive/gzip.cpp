#include "archive/gzip.hpp"

#include "archive/gzip_encoder.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <vector>
#include <zlib.h>

namespace davit::archive {

namespace {

constexpr int zlib_level = 4; // a third of level 6's time for 3 % more bytes
constexpr std::size_t piece_size = 256 * 1024;
constexpr std::size_t zlib_output = 256 * 1024;

class ZlibEncoder : public GzipStream::Encoder {
public:
    explicit ZlibEncoder(GzipStream::Sink sink) : sink_(std::move(sink)), output_(zlib_output) {
        if (deflateInit2(&z_, zlib_level, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
            throw error(Errc::failed, "zlib refused to start");
        header_.os = 255; // unknown: the same everywhere
        deflateSetHeader(&z_, &header_);
    }
    ~ZlibEncoder() override { deflateEnd(&z_); }

    void data(std::string_view bytes, bool last) override {
        do {
            const auto piece = std::min<std::size_t>(bytes.size(), 1u << 30);
            z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
            z_.avail_in = static_cast<uInt>(piece);
            bytes.remove_prefix(piece);
            do {
                z_.next_out = output_.data();
                z_.avail_out = static_cast<uInt>(output_.size());
                if (deflate(&z_, last && bytes.empty() ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
                    throw error(Errc::failed, "zlib does not compress");
                const auto n = output_.size() - z_.avail_out;
                if (n > 0) sink_({reinterpret_cast<const char*>(output_.data()), n});
            } while (z_.avail_out == 0);
        } while (!bytes.empty());
    }

private:
    GzipStream::Sink sink_;
    std::vector<Bytef> output_;
    z_stream z_{};
    gz_header header_{};
};

} // namespace

GzipStream::GzipStream(Sink sink) {
    if (isal_deflate_available()) encoder_ = make_isal_encoder(std::move(sink));
    else encoder_ = std::make_unique<ZlibEncoder>(std::move(sink));
}
GzipStream::~GzipStream() = default;

// In pieces of one size: what comes out must not depend on how it came in.
void GzipStream::data(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = std::min(bytes.size(), piece_size - piece_.size());
        piece_.append(bytes.substr(0, n));
        bytes.remove_prefix(n);
        if (piece_.size() < piece_size) return;
        encoder_->data(piece_, false);
        piece_.clear();
    }
}

void GzipStream::finish() { encoder_->data(piece_, true); }

} // namespace davit::archive
