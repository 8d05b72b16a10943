#include "base/error.hpp"
#include "compose/env_files.hpp"
#include "compose/loader.hpp"
#include "compose/short_forms.hpp"

#include <sys/stat.h>

namespace davit::compose {

namespace {

// Docker Compose's order: the process's environment wins, then the .env beside the current
// directory or the files, which may itself say which files those are.
class Completion {
public:
    explicit Completion(LoadOptions& options) : o_(options), diag_(tree_) {
        for (const auto& [key, value] : o_.environment) environment_.emplace(key, value);
    }

    std::vector<Diagnostic> run() {
        if (o_.env_files.empty())
            if (const std::string* list = variable("COMPOSE_ENV_FILES"))
                for (auto file : split(*list, ',')) o_.env_files.emplace_back(file);
        explicit_env_files_ = !o_.env_files.empty();
        fetch_files(o_);
        read_env_files();
        choose_files();
        fetch_files(o_);
        read_env_files();
        if (o_.profiles.empty())
            if (const std::string* list = variable("COMPOSE_PROFILES")) o_.profiles = trimmed(*list);
        if (const std::string* name = variable("COMPOSE_PROJECT_NAME"); name && o_.project_name.empty())
            o_.project_name = *name;
        if (const std::string* word = variable("COMPOSE_COMPATIBILITY");
            word && boolean("COMPOSE_COMPATIBILITY", *word))
            o_.compatibility = true;
        o_.environment.clear();
        o_.environment.insert(environment_.begin(), environment_.end());
        o_.env_files.clear();
        auto out = diag_.take_warnings();
        for (auto& text : warnings_) out.push_back({Diagnostic::Severity::warning, {}, {}, std::move(text), {}, {}});
        return out;
    }

private:
    const std::string* variable(std::string_view name) const {
        auto it = environment_.find(name);
        return it == environment_.end() || it->second.empty() ? nullptr : &it->second;
    }

    static bool boolean(std::string_view name, std::string_view word) {
        for (std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"})
            if (word == yes) return true;
        for (std::string_view no : {"0", "f", "F", "FALSE", "false", "False"})
            if (word == no) return false;
        throw error(Errc::usage, "{} must be true or false, and it is '{}'", name, word);
    }

    static std::vector<std::string> trimmed(std::string_view list) {
        std::vector<std::string> out;
        for (std::string_view item : split(list, ',')) {
            while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
            while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
            out.emplace_back(item);
        }
        return out;
    }

    std::string absolute(const std::string& path) const {
        return is_absolute(path) ? clean_path(path) : join_path(o_.current_dir, path);
    }

    void read_env_files() {
        std::vector<std::string> files;
        if (explicit_env_files_) {
            for (const auto& file : o_.env_files) files.push_back(absolute(file));
        } else if (const std::string* off = variable("COMPOSE_DISABLE_ENV_FILE");
                   !off || !boolean("COMPOSE_DISABLE_ENV_FILE", *off)) {
            std::string dotenv = join_path(working_directory(o_), ".env");
            struct stat st {};
            if (stat(dotenv.c_str(), &st) == 0 && !S_ISDIR(st.st_mode)) files.push_back(dotenv);
        }
        if (files.empty() || files == o_.env_files_read) return;
        merge_env_files(tree_, environment_, files, diag_);
        diag_.throw_if_errors();
        o_.env_files_read.insert(o_.env_files_read.end(), files.begin(), files.end());
    }

    void choose_files() {
        if (!o_.files.empty()) return;
        // An empty one counts, as in Docker Compose: it names the directory, which is no file.
        if (const auto list = environment_.find("COMPOSE_FILE"); list != environment_.end()) {
            const std::string* separator = variable("COMPOSE_PATH_SEPARATOR");
            std::string_view rest = list->second;
            std::string_view by = separator ? std::string_view(*separator) : ":";
            for (std::size_t end = 0; end != std::string_view::npos;
                 rest.remove_prefix(end == std::string_view::npos ? 0 : end + by.size())) {
                end = rest.find(by);
                std::string file(rest.substr(0, end));
                o_.files.push_back(file == "-" || is_remote(file) ? file : absolute(file));
            }
            return;
        }
        o_.files = find_compose_files(working_directory(o_), warnings_);
    }

    LoadOptions& o_;
    Tree tree_;
    Diagnostics diag_;
    Environment environment_;
    std::vector<std::string> warnings_;
    bool explicit_env_files_ = false;
};

} // namespace

} // namespace davit::compose

namespace davit {

std::vector<Diagnostic> complete_from_environment(LoadOptions& options) { return compose::Completion(options).run(); }

} // namespace davit
