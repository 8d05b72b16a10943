// What GzipStream has behind it.
#pragma once

#include "archive/gzip.hpp"

#include <memory>
#include <string_view>

namespace davit::archive {

class GzipStream::Encoder {
public:
    virtual ~Encoder() = default;
    virtual void data(std::string_view bytes, bool last) = 0;
};

bool isal_deflate_available();
std::unique_ptr<GzipStream::Encoder> make_isal_encoder(GzipStream::Sink sink);

} // namespace davit::archive
