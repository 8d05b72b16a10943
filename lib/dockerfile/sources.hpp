// What the sources and flags of COPY and ADD are, by their form.
#pragma once

#include <string_view>

namespace davit::dockerfile {

enum class SourceKind { path, http, git };
// git://…, ssh://…, user@host:path, and http(s) whose path ends in ".git"; a fragment or query may follow.
SourceKind kind_of_source(std::string_view source);

// ALGORITHM:HEX of sha256, sha384 or sha512, in full.
bool is_digest(std::string_view text);

// Octal up to 07777, or symbols: u+x,go=rX.
bool is_mode(std::string_view text);

} // namespace davit::dockerfile
