/* SPDX-License-Identifier: Apache-2.0 */
/* The published and derived keys of the vectors, as PEM. They are known to the whole world: for tests only. */
#include "support_keys.h"

#include "base/secret.h"
#include "tests/support/test.h"

#include <string.h>

const char vector_ec_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			     "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
			     "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
			     "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
			     "-----END PRIVATE KEY-----\n";

const char vector_ec_traditional_pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
					 "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
					 "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
					 "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
					 "-----END EC PRIVATE KEY-----\n";

const char vector_ec_encrypted_pem[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
				       "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAivthLhjCKJ0gICCAAw\n"
				       "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEMAnbl9XgFJ5JJ1mr5wAj2sEgZAT\n"
				       "kb11OhvKC1nkoVGbZNSLEbKd7R8n/uwsOFLxxwHlKPe9efDZi9uAaeDuggyv2rsl\n"
				       "7hEP+qkUUNmi5LArxacZF9p0wuum0bHjSko7tMP3cSs2IAUJKnpw6spqOxAEe7Dr\n"
				       "acxQ+/dAVXtw1lK68DVooKKmFxZEah7PdYOY8AUZXXFKNjkj7YX79fxsGw/8Tg4=\n"
				       "-----END ENCRYPTED PRIVATE KEY-----\n";

const char vector_rsa_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n"
			      "jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n"
			      "aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n"
			      "juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n"
			      "ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n"
			      "toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n"
			      "VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n"
			      "PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n"
			      "O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n"
			      "kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n"
			      "XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n"
			      "4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n"
			      "pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n"
			      "0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n"
			      "lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n"
			      "kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n"
			      "rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n"
			      "kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n"
			      "5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n"
			      "9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n"
			      "evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n"
			      "yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n"
			      "OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n"
			      "tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n"
			      "ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n"
			      "03k2+ZQwVK0JKSHuLFkuQ3U=\n"
			      "-----END PRIVATE KEY-----\n";

const char vector_short_x_pem[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAA\n"
				  "AAAAAAAAAAAAAAAAAAAAAAAAAXuhRANCAAQAVUOJSvPQDtfXQKvb11yWsGh3t4fb\n"
				  "X3Dup4uQqNfACrtMhaPY6invqvokQGkS3YTVsU3DK/ZW72xr1YpdlD+S\n"
				  "-----END PRIVATE KEY-----\n";

const char vector_short_y_pem[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAA\n"
				  "AAAAAAAAAAAAAAAAAAAAAAAAACuhRANCAASYauJQbx/xBNBCMIYdj0tJj0vExtAJ\n"
				  "sw91RNwSm4LSjQA8zMCmRg4K4yik2X08e2HYb8YonBifJSURDEQbsH6X\n"
				  "-----END PRIVATE KEY-----\n";

const char vector_ed_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			     "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
			     "-----END PRIVATE KEY-----\n";

const char vector_p521_public_pem[] = "-----BEGIN PUBLIC KEY-----\n"
				      "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQB6SkFDxJPxrxVx9U5M2Xfne9KsMIs\n"
				      "sleY+TTrBOPGuuNwGlenkQ6dgb82MVno68sVXWNJ9L22zPipTFxZx6rBAaQANKZE\n"
				      "DjdnUNI3H9G9wsjztx0vTuXqNDLIFcyjFWD+XZOH7HdLVYOGMOXLv1qMvgqR3QBk\n"
				      "xpmaH25uZ/rd7eTIyPY=\n"
				      "-----END PUBLIC KEY-----\n";

const char vector_p521_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			       "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIA6SUGIuggJapIqU/1\n"
			       "Yqa2XV/McvOw4qbsHbo6QtYBmQVvx39ETtfoKSIt431qRh7RlnJO/o169fzf6Iib\n"
			       "85LE16ihgYkDgYYABAD96LVs4S15h+vyAJUsP6t+OVTKTDibHPucdQ/+8tcPRrN7\n"
			       "3jnoSjzn7PhQguxd2xSWyuOOUOndDDl4JykLefh1TwFtSyCA+5kpPomVRpBQSF0s\n"
			       "v6/D2LZAxZTxVgWBEQGY1ktyoCKv2RLQi1krmbTeZ5qUckllRFtgS4f1nWNNeVN6\n"
			       "Cg==\n"
			       "-----END PRIVATE KEY-----\n";

const char vector_rsa_1024_pem[] = "-----BEGIN PRIVATE KEY-----\n"
				   "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMPbBbpEO45Dehu6\n"
				   "71sX8g38W0umb7wr+hFXQQVgasXlFEffQ1eoYaiUT6BgKbXPtLIa8rjx/8oQPaKd\n"
				   "xNii51sdHIdimjoHGChAMWvTx64KERlCrM84CzHL97uL68NO/wqkMMCi824Y6Om0\n"
				   "TUchyaLLuegcNu705cq/sDyhuZLlAgMBAAECgYBDEsMHY06yDdHHpWFLZQv0VjQ9\n"
				   "2CXz32uofKU73iUy2Jz1cDRz1Kp9PS130vb12MgdJrVxOQ9Md/tjsXw0ZLWuGMeM\n"
				   "Y/3n5rclHC3Tmlqcpib/vkN9g/ny7xlViIZgWXYExaMa0M8+5FLC+wT3ty1LZXPL\n"
				   "ytSM/qXpHd9/QSwPgQJBAO3nRTsvNFdKFz+oH1trRY3wa/q/3gVRpIdnrKeYQmsb\n"
				   "KhDw/Vct3q9qvrVbTdVvqVHXS/MwsQnvYPwj1ZNoPXkCQQDSwPKiq3IJyaSPWokx\n"
				   "zMsGguKaDwa9M6fmkqbNA1S6NTNXnnl5651VIBkLicgRTTdEJgdwg6qDf5BGBypp\n"
				   "weHNAkBrwTjGWdcnQlPNbWTmj2vtolwGMylo11XiTr8RGhHbWW5wRfc5qXkXkw3W\n"
				   "LwjOB8l1XEL2X7OQgHA5RDHUln5hAkEArsTYsPLxt5Iix8oxWT3V4wlo9o6dbQrI\n"
				   "IlncvsgTW/NAJ1nArM0phG0At+PDKC3bNcU/iBt3rGJ9dsT8dAUWxQJAG4jDmmew\n"
				   "7kXL0Vn6DL217ifkGkmFkfl27cyNLZEC1SjzZ5kTb474AeekZswJhIVvvWWd5VtP\n"
				   "aWIo6GZzwgDEqg==\n"
				   "-----END PRIVATE KEY-----\n";

const char vector_rfc7638_jwk[] =
	"{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":"
	"\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
	"BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
	"FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
	"bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\"}";

struct key *vector_key(const char *pem)
{
	struct error err = {0};
	struct secret secret = {0};
	struct key *key = NULL;
	if (secret_set(&secret, pem, strlen(pem), &err))
		key = key_from_pem(&secret, &err);
	secret_done(&secret);
	CHECK_OK(key != NULL, err);
	return key;
}
