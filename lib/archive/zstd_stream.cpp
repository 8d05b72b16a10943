#include "archive/zstd_stream.hpp"

#include "base/error.hpp"

#include <vector>
#include <zstd.h>

namespace davit::archive {

struct ZstdStream::State {
    Sink sink;
    ZSTD_CCtx* context = ZSTD_createCCtx();
    std::vector<char> output = std::vector<char>(ZSTD_CStreamOutSize());
};

ZstdStream::ZstdStream(Sink sink) : state_(std::make_unique<State>(State{std::move(sink)})) {
    if (!state_->context) throw error(Errc::failed, "zstd refused to start");
    ZSTD_CCtx_setParameter(state_->context, ZSTD_c_checksumFlag, 1);
}

ZstdStream::~ZstdStream() { ZSTD_freeCCtx(state_->context); }

void ZstdStream::data(std::string_view bytes) { compress(bytes, false); }

void ZstdStream::finish() { compress({}, true); }

void ZstdStream::compress(std::string_view bytes, bool last) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
        ZSTD_outBuffer out{state_->output.data(), state_->output.size(), 0};
        const std::size_t left = ZSTD_compressStream2(state_->context, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) throw error(Errc::failed, "zstd does not compress: {}", ZSTD_getErrorName(left));
        if (out.pos > 0) state_->sink({state_->output.data(), out.pos});
        if (last ? left == 0 : in.pos == in.size) return;
    }
}

} // namespace davit::archive
