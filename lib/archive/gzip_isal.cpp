#include "archive/gzip_encoder.hpp"
#include "base/error.hpp"

#if DAVIT_HAVE_ISAL

#include <algorithm>
#include <dlfcn.h>
#include <isa-l/igzip_lib.h>
#include <vector>

namespace davit::archive {

namespace {

struct IsalDeflate {
    void (*init)(isal_zstream*) = nullptr;
    int (*deflate)(isal_zstream*) = nullptr;

    IsalDeflate() {
        void* library = ::dlopen("libisal.so.2", RTLD_NOW | RTLD_LOCAL);
        if (!library) return;
        init = reinterpret_cast<decltype(init)>(::dlsym(library, "isal_deflate_init"));
        deflate = reinterpret_cast<decltype(deflate)>(::dlsym(library, "isal_deflate"));
    }
};

const IsalDeflate& isal_deflate_library() {
    static const IsalDeflate library;
    return library;
}

class IsalEncoder : public GzipStream::Encoder {
public:
    explicit IsalEncoder(GzipStream::Sink sink)
        : sink_(std::move(sink)), stream_(std::make_unique<isal_zstream>()), level_(ISAL_DEF_LVL1_DEFAULT),
          output_(256 * 1024) {
        isal_deflate_library().init(stream_.get());
        stream_->gzip_flag = IGZIP_GZIP; // header and trailer are written too
        stream_->level = 1;
        stream_->level_buf = level_.data();
        stream_->level_buf_size = static_cast<std::uint32_t>(level_.size());
    }

    void data(std::string_view bytes, bool last) override {
        do {
            const auto piece = std::min<std::size_t>(bytes.size(), 1u << 30);
            stream_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
            stream_->avail_in = static_cast<std::uint32_t>(piece);
            bytes.remove_prefix(piece);
            stream_->end_of_stream = last && bytes.empty();
            do {
                stream_->next_out = output_.data();
                stream_->avail_out = static_cast<std::uint32_t>(output_.size());
                if (const int rc = isal_deflate_library().deflate(stream_.get()); rc != COMP_OK)
                    throw error(Errc::failed, "ISA-L does not compress (error {})", rc);
                const auto n = output_.size() - stream_->avail_out;
                if (n > 0) sink_({reinterpret_cast<const char*>(output_.data()), n});
            } while (stream_->avail_out == 0 || stream_->avail_in > 0);
        } while (!bytes.empty());
    }

private:
    GzipStream::Sink sink_;
    std::unique_ptr<isal_zstream> stream_;
    std::vector<std::uint8_t> level_, output_;
};

} // namespace

bool isal_deflate_available() { return isal_deflate_library().init && isal_deflate_library().deflate; }

std::unique_ptr<GzipStream::Encoder> make_isal_encoder(GzipStream::Sink sink) {
    return std::make_unique<IsalEncoder>(std::move(sink));
}

} // namespace davit::archive

#else

namespace davit::archive {

bool isal_deflate_available() { return false; }

std::unique_ptr<GzipStream::Encoder> make_isal_encoder(GzipStream::Sink) {
    throw error(Errc::unsupported, "this davit was built without ISA-L");
}

} // namespace davit::archive

#endif
