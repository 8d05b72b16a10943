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
    bool has(const std::string& path) const override { return exists(file_of(path)); }
    std::unique_ptr<ByteSource> open(const std::string& path, std::uint64_t offset) const override {
        const std::string full = file_of(path);
        UniqueFd fd = open_to_read(full);
        struct stat st {};
        if (::fstat(fd.get(), &st) < 0 || !S_ISREG(st.st_mode))
            throw error(Errc::failed, "{} is no regular file", full);
        return std::make_unique<FileSource>(std::move(fd), full, offset);
    }
    std::uint64_t size(const std::string& path) const override {
        struct stat st {};
        const std::string full = file_of(path);
        if (::stat(full.c_str(), &st) < 0) throw sys_error(errno, "looking at {}", full);
        return static_cast<std::uint64_t>(st.st_size);
    }

private:
    // What the documents name stands below, as in a tar.
    std::string file_of(const std::string& path) const { return path_ + "/" + clean_path(path); }

    std::string path_;
};

// The regular files of a tar by path, with what stands for others.
class MemberFiles : public ArchiveFiles {
public:
    bool has(const std::string& path) const override { return find(path) != nullptr; }
    std::uint64_t size(const std::string& path) const override { return get(path).size; }

protected:
    struct Member {
        std::uint64_t offset = 0, size = 0;
        std::string link;
        std::string file; // its own, of a stream
    };

    explicit MemberFiles(std::string name) : name_(std::move(name)) {}

    template <typename Keep>
    void read_all(ByteSource& from, Keep&& keep) {
        TarReader tar(from);
        TarEntry entry;
        while (tar.next(entry)) {
            if (members_.size() == max_members)
                throw error(Errc::failed, "{} has more than {} files, which no archive of images needs", name_,
                            max_members);
            std::string path = clean_path(entry.path);
            if (entry.type == TarEntry::Type::file && !entry.sparse) {
                members_[path] = keep(tar);
            } else if (entry.type == TarEntry::Type::symlink) { // old docker save: a layer twice
                auto slash = path.find_last_of('/');
                const std::string above = slash == std::string::npos ? "" : path.substr(0, slash);
                members_[path] = {0, 0, clean_path(above + "/" + entry.link), ""};
            } else if (entry.type == TarEntry::Type::hardlink) {
                members_[path] = {0, 0, clean_path(entry.link), ""};
            }
        }
    }
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
    const std::string& name() const { return name_; }

private:
    std::string name_;
    std::map<std::string, Member> members_;
};

class TarFiles : public MemberFiles {
public:
    TarFiles(UniqueFd fd, std::string name) : MemberFiles(std::move(name)), fd_(std::move(fd)) {
        FileSource file(UniqueFd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0)), this->name());
        read_all(file, [](TarReader& tar) { return Member{tar.data_offset(), tar.data_size(), "", ""}; });
    }
    std::unique_ptr<ByteSource> open(const std::string& path, std::uint64_t offset) const override {
        const Member& m = get(path);
        UniqueFd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0)); // pread only: the offset is nobody's
        if (!copy) throw sys_error(errno, "reading {}", name());
        return std::make_unique<FileSource>(std::move(copy), name() + ":" + path, m.offset + offset,
                                            m.size - std::min(offset, m.size));
    }

private:
    UniqueFd fd_;
};

// What cannot be read at any place twice: each file is kept as one.
class StreamFiles : public MemberFiles {
public:
    StreamFiles(ByteSource& from, std::string directory, std::string name)
        : MemberFiles(std::move(name)), directory_(std::move(directory)) {
        read_all(from, [this](TarReader& tar) { return keep(tar); });
        std::string padding(64 * 1024, '\0'); // who writes is not cut off, and a compressed stream checks itself
        while (from.read(padding.data(), padding.size()) > 0) {}
    }
    std::unique_ptr<ByteSource> open(const std::string& path, std::uint64_t offset) const override {
        const Member& m = get(path);
        return std::make_unique<FileSource>(sys::open(m.file, O_RDONLY), name() + ":" + path, offset);
    }
    std::string own_file(const std::string& path) const override { return get(path).file; }

private:
    Member keep(TarReader& tar) {
        Member out{0, tar.data_size(), "", directory_ + "/" + std::to_string(made_++)};
        const UniqueFd file = sys::open(out.file, O_WRONLY | O_CREAT | O_EXCL);
        for (std::string_view bytes = tar.data(); !bytes.empty(); bytes = tar.data()) sys::write_all(file.get(), bytes);
        return out;
    }

    std::string directory_;
    std::size_t made_ = 0;
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

std::unique_ptr<ArchiveFiles> open_stream(ByteSource& from, const std::string& directory, const std::string& name) {
    return std::make_unique<StreamFiles>(from, directory, name);
}

} // namespace davit::archive
