#include "compose/local_files.hpp"

#include "base/error.hpp"
#include "compose/diagnostics.hpp"
#include "yaml/reader.hpp"

#include <algorithm>

namespace davit::compose {

namespace {

class Uses {
public:
    Uses(const std::string& text, const std::string& shown) : text_(text), file_(tree_.add_file(shown, text)) {}

    std::vector<FileUse> all() {
        Diagnostics problems(tree_);
        const auto documents = yaml::parse_yaml(tree_, file_, problems);
        problems.throw_if_errors();
        for (Node* document : documents) {
            includes(document->find("include"));
            const Node* services = document->find("services");
            if (!services) continue;
            for (const Entry& entry : services->map()) of_service(std::string(entry.key), *entry.value);
        }
        std::sort(out_.begin(), out_.end(), [](const FileUse& a, const FileUse& b) { return a.offset < b.offset; });
        // An alias stands where what it means was written.
        out_.erase(std::unique(out_.begin(), out_.end(),
                               [](const FileUse& a, const FileUse& b) { return a.offset == b.offset; }),
                   out_.end());
        return std::move(out_);
    }

private:
    void of_service(const std::string& name, const Node& service) {
        if (const Node* files = service.find("env_file")) {
            if (files->is_string()) add(FileUse::Kind::env_file, name, *files);
            for (const Node* item : files->list()) {
                if (item->is_string()) add(FileUse::Kind::env_file, name, *item);
                else if (const Node* path = item->find("path")) add(FileUse::Kind::env_file, name, *path);
            }
        }
        if (const Node* extends = service.find("extends"))
            if (const Node* file = extends->find("file")) add(FileUse::Kind::extends, name, *file);
    }

    void includes(const Node* list) {
        if (!list) return;
        for (const Node* item : list->list()) {
            include(*item);
            const Node* path = item->find("path");
            if (path) include(*path);
            for (const Node* one : path ? path->list() : std::span<Node*>()) include(*one);
        }
    }

    void include(const Node& path) {
        const std::string_view name = path.str();
        if (name.empty() || name.find("://") != std::string_view::npos || name.starts_with("git@")) return;
        throw error(Errc::unsupported, "cannot publish compose file with local includes")
            .with_at(tree_.where(path.pos))
            .with_hint("'davit config -o FILE' writes one file that holds them; or publish them as well, and include "
                       "oci://…");
    }

    void add(FileUse::Kind kind, const std::string& service, const Node& node) {
        if (!node.is_string() || node.str().empty()) return;
        FileUse use{kind, service, std::string(node.str())};
        use.offset = offset_of(node.pos);
        use.length = scalar_length(use.offset, use.path);
        if (use.length == 0)
            throw error(Errc::unsupported, "the name '{}' stands here in a form that cannot be replaced", use.path)
                .with_at(tree_.where(node.pos))
                .with_hint("write it on one line, without an anchor or an alias");
        out_.push_back(std::move(use));
    }

    std::size_t offset_of(Pos at) const {
        constexpr std::string_view mark = "\xef\xbb\xbf"; // of the byte order, no column
        std::size_t begin = text_.starts_with(mark) ? mark.size() : 0;
        for (std::uint32_t line = 1; line < at.line && begin != std::string::npos; ++line) {
            begin = text_.find('\n', begin);
            if (begin != std::string::npos) ++begin;
        }
        if (begin == std::string::npos) return text_.size();
        return std::min(begin + at.column - 1u, text_.size()); // columns count bytes
    }

    // Of a scalar that stands there on one line and means `value`; 0: none does.
    std::size_t scalar_length(std::size_t at, const std::string& value) const {
        if (at >= text_.size()) return 0;
        const std::string_view line = std::string_view(text_).substr(at, text_.find('\n', at) - at);
        if (const char quote = line.empty() ? '\0' : line[0]; quote == '"' || quote == '\'') {
            const auto end = line.find(quote, 1);
            const bool same = end != std::string_view::npos && line.substr(1, end - 1) == value;
            return same ? end + 1 : 0;
        }
        return line.starts_with(value) ? value.size() : 0;
    }

    const std::string& text_;
    Tree tree_;
    std::uint16_t file_;
    std::vector<FileUse> out_;
};

} // namespace

std::vector<FileUse> uses_of_local_files(const std::string& text, const std::string& shown) {
    return Uses(text, shown).all();
}

std::string with_file_names(const std::string& text, const std::vector<std::pair<FileUse, std::string>>& names) {
    std::string out;
    std::size_t at = 0;
    for (const auto& [use, name] : names) {
        out += text.substr(at, use.offset - at) + name;
        at = use.offset + use.length;
    }
    return out + text.substr(at);
}

} // namespace davit::compose
