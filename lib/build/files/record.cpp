#include "build/files/record.hpp"

namespace davit::build {

ContentRecord::ContentRecord() { hash_.update("davit files 1\n"); }

void ContentRecord::number(std::uint64_t value) {
    char bytes[8];
    for (char& byte : bytes) {
        byte = static_cast<char>(value & 0xff);
        value >>= 8;
    }
    hash_.update(bytes, sizeof bytes);
}

void ContentRecord::text(std::string_view value) {
    number(value.size());
    hash_.update(value);
}

void ContentRecord::source(std::string_view name) {
    hash_.update("S");
    text(name);
}

void ContentRecord::remote(std::string_view key) {
    hash_.update("R");
    text(key);
}

void ContentRecord::entry(std::string_view path, const struct stat& st, bool context, const Xattrs& xattrs,
                          std::string_view link, const FileDigest* contents) {
    const bool device = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
    const mode_t mode = S_ISSOCK(st.st_mode) ? (st.st_mode & 07777) | S_IFREG : st.st_mode;
    hash_.update("E");
    text(path);
    // A symbolic link's mode says nothing.
    number(S_ISLNK(st.st_mode) ? static_cast<std::uint64_t>(S_IFLNK) : mode);
    number(context ? 0 : st.st_uid);
    number(context ? 0 : st.st_gid);
    number(device ? st.st_rdev : 0);
    text(link);
    number(xattrs.size());
    for (const auto& [name, value] : xattrs) {
        text(name);
        text(value);
    }
    number(contents ? static_cast<std::uint64_t>(st.st_size) : 0);
    if (contents) hash_.update(contents->data(), contents->size());
}

} // namespace davit::build
