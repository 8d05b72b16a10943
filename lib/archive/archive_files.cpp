#include "archive/archive_files.hpp"

#include "archive/layer_tree.hpp"
#include "archive/tar_reader.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>

namespace davit::archive {

namespace {

constexpr std::size_t max_archive_document = 16u << 20;
constexpr std::size_t max_members = 100'000;

class DirectoryFiles : public ArchiveFiles {
public:
    explicit DirectoryFiles(std::string path) : path_(std::move(path)) {}
    bool has(const std::string& path) const override { return exists(path_ + "/" + path); }
    std::unique_ptr<ByteSource> open(const std::string& path, std::uint64_t offset) const override {
        const std::string full = path_ + "/" + path;
        UniqueFd fd = open_to_read(full);
        struct stat st {};
        if (::fstat(fd.get(), &st) < 0 || !S_ISREG(st.st_mode))
            throw error(Errc::failed, "{} is no regular file", full);
        return std::make_unique<FileSource>(std::move(fd), full, offset);
    }
    std::uint64_t size(const std::string& path) const override {
        struct stat st {};
        if (::stat((path_ + "/" + path).c_str(), &st) < 0) throw sys_error(errno, "looking at {}/{}", path_, path);
        return static_cast<std::uint64_t>(st.st_size);
    }

private:
    std::string path_;
};

class TarFiles : public ArchiveFiles {
public:
    TarFiles(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {
        FileSource file(UniqueFd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0)), name_);
        TarReader tar(file);
        TarEntry entry;
        while (tar.next(entry)) {
            if (members_.size() == max_members)
                throw error(Errc::failed, "{} has more than {} files, which no archive of images needs", name_,
                            max_members);
            std::string path = clean_path(entry.path);
            if (entry.type == TarEntry::Type::file && !entry.sparse) {
                members_[path] = {tar.data_offset(), tar.data_size(), ""};
            } else if (entry.type == TarEntry::Type::symlink) { // old docker save: a layer twice
                auto slash = path.find_last_of('/');
                members_[path] = {
                    0, 0, clean_path((slash == std::string::npos ? "" : path.substr(0, slash)) + "/" + entry.link)};
            } else if (entry.type == TarEntry::Type::hardlink) {
                members_[path] = {0, 0, clean_path(entry.link)};
            }
        }
    }
    bool has(const std::string& path) const override { return find(path) != nullptr; }
    std::unique_ptr<ByteSource> open(const std::string& path, std::uint64_t offset) const override {
        const Member& m = get(path);
        UniqueFd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0)); // pread only: the offset is nobody's
        if (!copy) throw sys_error(errno, "reading {}", name_);
        return std::make_unique<FileSource>(std::move(copy), name_ + ":" + path, m.offset + offset,
                                            m.size - std::min(offset, m.size));
    }
    std::uint64_t size(const std::string& path) const override { return get(path).size; }

private:
    struct Member {
        std::uint64_t offset = 0, size = 0;
        std::string link;
    };
    const Member* find(const std::string& path) const {
        auto it = members_.find(clean_path(path));
        for (int hops = 0; it != members_.end() && !it->second.link.empty(); ++hops) {
            if (hops == 8) return nullptr;
            it = members_.find(it->second.link);
        }
        return it == members_.end() ? nullptr : &it->second;
    }
    const Member& get(const std::string& path) const {
        const Member* m = find(path);
        if (!m) throw error(Errc::not_found, "{} has no file {}", name_, path);
        return *m;
    }

    UniqueFd fd_;
    std::string name_;
    std::map<std::string, Member> members_;
};

} // namespace

std::optional<std::string> ArchiveFiles::read(const std::string& path) const {
    if (!has(path)) return std::nullopt;
    if (size(path) > max_archive_document)
        throw error(Errc::failed, "{} has {} bytes, more than {}", path, size(path), max_archive_document);
    auto source = open(path, 0);
    std::string out;
    char buffer[16384];
    while (std::size_t n = source->read(buffer, sizeof buffer)) out.append(buffer, n);
    return out;
}

std::unique_ptr<ArchiveFiles> open_directory(const std::string& path) { return std::make_unique<DirectoryFiles>(path); }

std::unique_ptr<ArchiveFiles> open_tar(UniqueFd fd, const std::string& name) {
    return std::make_unique<TarFiles>(std::move(fd), name);
}

} // namespace davit::archive
