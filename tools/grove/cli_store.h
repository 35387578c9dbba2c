// The store that a command reads from and writes to: files, and http and s3 with what the environment says of them.
#ifndef GROVE_TOOL_CLI_STORE_H
#define GROVE_TOOL_CLI_STORE_H
#include "cli.h"

/// What a command's own options say; NULL or 0: the environment, then the profile, then the default.
typedef struct cli_store_wish {
  const char *profile, *region, *endpoint;
  uint64_t connections, retries, timeout_ms, request_ms, file_ms;
  uint64_t keys_ms; ///< what a credential_process may take
} cli_store_wish;

/// Keys and the like come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION,
/// AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_CA_BUNDLE, AWS_PROFILE; https_proxy, http_proxy,
/// all_proxy, no_proxy, the first three and the last also in capitals but for http_proxy) and from the profile's lines
/// in AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and AWS_CONFIG_FILE (~/.aws/config): keys, region, endpoint_url,
/// ca_bundle, credential_process. Keys of a profile are looked for anew when they end: that program is run once more, the files are
/// read once more. `w` may be NULL; its texts stay until the program's end.
/// Without grove_remote: files alone.
grove_status cli_store_open(const cli_store_wish *w, grove_store **out, grove_error *err);
/// Whether the command's words name anything of s3: else no profile need be there, and no program is asked for keys.
void cli_store_look(int argc, char **argv);
/// cli_read_model, by a store that is there.
grove_model *cli_read_model_from(grove_store *store, const char *path, int *code);
#endif
