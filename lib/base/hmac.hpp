// Keyed hashes (RFC 2104 with SHA-256): who has not the key learns nothing from one about bytes that could be guessed.
#pragma once

#include <string>
#include <string_view>

namespace davit {

std::string hmac_sha256_hex(std::string_view key, std::string_view bytes);

} // namespace davit
