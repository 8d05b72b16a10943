#include "archive/layer_fixup.hpp"

#include "archive/copy_up.hpp"
#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/kernel_abi.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::archive {

namespace {

constexpr std::uint64_t inside = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;

std::vector<std::string> entries_of(int directory) {
    UniqueFd fd = sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY);
    Dir listing(::fdopendir(fd.get()));
    if (!listing) throw make_sys_error(errno, "listing a layer's directory");
    fd.release();
    std::vector<std::string> out;
    while (dirent* e = ::readdir(listing.get()))
        if (std::string_view name = e->d_name; name != "." && name != "..") out.emplace_back(name);
    return out;
}

class Settler {
public:
    Settler(const std::string& root, const Unsettled& unsettled, const std::vector<std::string>& below)
        : tree_(root, {[this](const std::string& path) { implicit_.insert(path); }, [](const std::string&) {}}),
          below_(below), implicit_(unsettled.implicit), links_(unsettled.links) {}

    void run() {
        while (!implicit_.empty()) {
            std::string path = *implicit_.begin(); // parents sort before what is in them
            implicit_.erase(implicit_.begin());
            settle_directory(path);
        }
        for (const auto& [link, file] : links_) settle_link(link, file);
        for (const auto& path : settled_) copy_meta(path); // last: moves and copies touched their times
    }

private:
    void settle_directory(const std::string& path) {
        auto entry = below_.lookup(path, false);
        if (!entry) return;
        if (S_ISLNK(entry->status.st_mode)) {
            auto target = below_.lookup(path);
            if (target && target->is_directory()) move_to(path, target->path.substr(1));
        } else if (entry->is_directory()) {
            settled_.push_back(path);
        }
    }

    void copy_meta(const std::string& path) {
        auto entry = below_.lookup(path, false);
        UniqueFd mine(sys::open_at2(tree_.root(), path, O_RDONLY | O_DIRECTORY, 0, inside));
        if (entry) copy_directory_meta(*entry, mine.get());
    }

    // The layer's directory path goes where the link below points.
    void move_to(const std::string& path, const std::string& target) {
        if (target.empty() || (target + "/").starts_with(path + "/")) return;
        UniqueFd from = sys::open_at2(tree_.root(), path, O_RDONLY | O_DIRECTORY, 0, inside);
        LayerTree::Place place = tree_.place(target);
        if (::mkdirat(place.directory, place.name.c_str(), 0755) == 0) implicit_.insert(place.path());
        UniqueFd to = sys::open_at(place.directory, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        merge(from.get(), to.get());
        tree_.remove(tree_.place(path));
        std::set<std::string> moved;
        for (const auto& p : implicit_) moved.insert(renamed(p, path, place.path()));
        implicit_ = std::move(moved);
        std::map<std::string, std::string> links;
        for (const auto& [link, file] : links_)
            links[renamed(link, path, place.path())] = renamed(file, path, place.path());
        links_ = std::move(links);
    }

    static std::string renamed(const std::string& p, const std::string& from, const std::string& to) {
        return p.starts_with(from + "/") ? to + p.substr(from.size()) : p;
    }

    void merge(int from, int to) {
        for (const auto& name : entries_of(from)) {
            if (::renameat(from, name.c_str(), to, name.c_str()) == 0) continue;
            UniqueFd a(::openat(from, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            UniqueFd b(::openat(to, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            if (errno == EMFILE && (!a || !b)) throw sys_error(EMFILE, "moving '{}'", name);
            if (!a || !b)
                throw error(Errc::failed, "'{}' stands twice in the layer, by two names of one directory", name);
            merge(a.get(), b.get());
        }
    }

    void settle_link(const std::string& link, const std::string& file) {
        auto source = below_.lookup(file, false);
        if (!source || source->is_directory())
            throw error(Errc::failed, "'{}' is a hard link to '{}', which is not there", link, file);
        LayerTree::Place place = tree_.place(link);
        struct stat st {};
        if (::fstatat(place.directory, place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) tree_.remove(place);
        copier_.copy_node(*source, place.directory, place.name, place.path());
    }

    LayerTree tree_;
    RootfsView below_;
    ViewCopier copier_{below_, tree_.root()};
    std::set<std::string> implicit_;
    std::map<std::string, std::string> links_;
    std::vector<std::string> settled_;
};

} // namespace

void settle_layer(const std::string& root, const Unsettled& unsettled, const std::vector<std::string>& below) {
    Settler(root, unsettled, below).run();
}

} // namespace davit::archive
