// What COPY and ADD of this build are given beside their instruction.
#pragma once

#include "build/files/copy.hpp"
#include "build/session.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace davit::build {

CopyOptions copy_options(Session& session, const dockerfile::Step& step);

// WORKDIR: the directory with what is missing above it, 0755, of that user ("name", "uid:gid" …); one that is there
// stays as it is. modified: of what is made, seconds since 1970; else now. Errc::conflict: something else stands there.
void make_directory(int root, const std::string& path, const std::string& user, std::optional<std::int64_t> modified);

} // namespace davit::build
