// Compression for registries: one gzip member whose bytes depend on the input, the library and the processor only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace davit::archive {

// ISA-L where libisal is installed, else zlib.
class GzipStream {
public:
    using Sink = std::function<void(std::string_view)>;
    explicit GzipStream(Sink sink); // gets the compressed bytes; what it throws passes through
    ~GzipStream();
    GzipStream(const GzipStream&) = delete;

    void data(std::string_view bytes);
    void finish();

    class Encoder;

private:
    std::unique_ptr<Encoder> encoder_;
    std::string piece_;
};

} // namespace davit::archive
